/**
 * The mesh: libp2p underneath, signed records spread by gossip and repaired by reconciliation, admission by certificates,
 * joining by invite codes. Spec: docs/spec/02-records.md, 03-trust.md. The door is `openMesh`.
 */
export { isPastHalfLife, type Lifetime } from './half-life.ts';
export { MESH_LIMITS } from './limits.ts';
export {
  type Member,
  type MembershipEvent,
  Mesh,
  openMesh,
} from './mesh.ts';
export type { RecordEvent } from './record-log.ts';
export type { ByteStream } from './transport.ts';
