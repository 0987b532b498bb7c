/**
 * The mesh: libp2p underneath, signed records spread by gossip and repaired by reconciliation, admission by certificates,
 * joining by invite codes. Spec: docs/spec/02-records.md, 03-trust.md. The door is `openMesh`.
 */
export { RECORD_REJECTIONS, type RecordRejection } from './check-record.ts';
export { MESH_ERRORS, MeshError, type MeshErrorCode } from './errors.ts';
export { MESH_LIMIT_TABLE, MESH_LIMITS } from './limits.ts';
export { createMemoryNetwork, type MemoryNetwork } from './memory-network.ts';
export { MemoryInviteStore, MemoryPeerStore, MemoryRecordStore } from './memory-stores.ts';
export {
  type Invite,
  type InviteRequest,
  type Member,
  type MembershipEvent,
  Mesh,
  type MeshOptions,
  openMesh,
} from './mesh.ts';
export type { InviteStore, PeerAddress, PeerStore, RecordKey, RecordStore, StoredInvite } from './ports.ts';
export { type RecordDraftOfNode, type RecordEvent, RecordLog, type RecordVerdict } from './record-log.ts';
export { RecordSync } from './record-sync.ts';
export type { AdmissionGate, MeshTransport, PeerEvent, RequestHandler, RequestOptions } from './transport.ts';
