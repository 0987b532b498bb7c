/** Under which key a version's deprecation stands. Spec: docs/spec/09-registry.md §9. */
import { digestKey } from '../../protocol/index.ts';

export function deprecationKey(modelId: string, version: string): string {
  return digestKey(`${modelId}\n${version}`);
}
