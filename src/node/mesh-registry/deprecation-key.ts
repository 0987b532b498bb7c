/** Under which key a version's deprecation stands. Spec: docs/spec/09-registry.md §9. */
import { createHash } from 'node:crypto';

export function deprecationKey(modelId: string, version: string): string {
  return createHash('sha256').update(`${modelId}\n${version}`).digest('hex').slice(0, 32);
}
