/** Word of the mesh that is read anew as a whole whenever it may count otherwise. */
import type { Mesh } from '../mesh/index.ts';
import type { RecordKind } from '../protocol/index.ts';

/**
 * Calls back when a record of this kind came or ran out, a member got another certificate or was put out, or this node is in another
 * mesh. Returns what stops it.
 */
export function followKind(
  mesh: Pick<Mesh, 'recordEvents' | 'membershipEvents'>,
  kind: RecordKind,
  onChange: () => void,
): () => void {
  const stopRecords = mesh.recordEvents.on((event) => {
    if (event.type === 'revoked' || event.record.kind === kind || event.record.kind === 'certificate') onChange();
  });
  const stopMembership = mesh.membershipEvents.on(onChange);
  return () => {
    stopRecords();
    stopMembership();
  };
}
