/** What everything stands on: identifiers, errors, time, randomness, sizes, the logger port. Imports nothing. */

export { type ByteGate, openGate } from './byte-gate.ts';
export { formatBytes, GB, GiB, KiB, MB, MiB, TiB } from './bytes.ts';
export { type Clock, systemClock } from './clock.ts';
export { compareText } from './compare-text.ts';
export { editDistance } from './edit-distance.ts';
export { Emitter } from './emitter.ts';
export {
  AtmosphereError,
  CoreError,
  type ErrorKind,
  type ErrorOptionsWithData,
  type ErrorTable,
  type ErrorTraits,
  type Fault,
  messageOf,
  systemCodeOf,
} from './errors.ts';
export { every } from './every.ts';
export {
  isMeshId,
  isNodeId,
  isSha256,
  type MeshId,
  type ModelId,
  type NodeId,
  type PieceRoot,
  parseMeshId,
  parseNodeId,
  parsePieceRoot,
  parseRequestId,
  parseSha256,
  type RequestId,
  type Sha256,
} from './ids.ts';
export { type Limit, type LimitTable, limitValues } from './limits.ts';
export { type Logger, silentLogger } from './logger.ts';
export { siblingModule } from './module-url.ts';
export { type Random, seededRandom, systemRandom } from './random.ts';
