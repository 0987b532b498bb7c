/** Who may author which record: docs/spec/03-trust.md §3.3. Pure. */
import type { RecordKind } from '../protocol/index.ts';

/** What a node says of itself. */
const STATE: readonly RecordKind[] = ['heartbeat', 'catalog', 'outcome', 'capability', 'status', 'exchange'];
/** What a node says of models, for others to follow; whether they do is decided by the access policy (20-access). */
const ORDERS: readonly RecordKind[] = ['manifest', 'deployment', 'rollout', 'deprecation'];

/** Certificates and revocations are in no role's list: they are the authority's alone. */
const AUTHORED = new Map<string, readonly RecordKind[]>([
  ['admin', [...STATE, ...ORDERS, 'rules', 'access']],
  ['publisher', [...STATE, ...ORDERS]],
  ['gateway', [...STATE, ...ORDERS]],
  ['edge', STATE],
  ['member', STATE],
]);

/** A role of free name may what `member` may. */
export function mayAuthor(role: string, kind: RecordKind): boolean {
  return (AUTHORED.get(role) ?? STATE).includes(kind);
}
