/** Keys of records that stand for longer names: the first 32 hex digits of their SHA-256. Spec: docs/spec/02-records.md §4. */
import { createHash } from 'node:crypto';

export function digestKey(named: string | Uint8Array): string {
  return createHash('sha256').update(named).digest('hex').slice(0, 32);
}
