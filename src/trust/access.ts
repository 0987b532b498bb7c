/** Who may author which record: docs/spec/03-trust.md §3.3. Pure. */
import type { RecordKind } from '../protocol/index.ts';

const STATE: readonly RecordKind[] = ['heartbeat', 'catalog', 'outcome'];

/** Certificates and revocations are in no role's list: they are the authority's alone. */
const AUTHORED = new Map<string, readonly RecordKind[]>([
  ['admin', STATE],
  ['gateway', STATE],
  ['edge', STATE],
  ['member', STATE],
]);

/** A role of free name may what `member` may. */
export function mayAuthor(role: string, kind: RecordKind): boolean {
  return (AUTHORED.get(role) ?? STATE).includes(kind);
}
