/**
 * What differs between two blobs, and putting it back: tensor by tensor where both are safetensors or GGUF, by content
 * elsewhere; lossless, in one pass, in memory that no size makes larger. Spec: docs/spec/22-differences.md.
 */
export {
  type AppliedDifference,
  type ApplyOptions,
  applyDifference,
  type TargetSink,
} from './apply-difference.ts';
export { type ByteSource, memorySource } from './byte-source.ts';
export { type DifferenceBytes, readDifferenceHeader } from './difference-input.ts';
export type { DifferenceSink, EncodingCount } from './difference-writer.ts';
export { DeltaError, type DeltaErrorCode } from './errors.ts';
export type { BlobIdentity, DifferenceHeader } from './header.ts';
export { DELTA_LIMITS } from './limits.ts';
export {
  type DifferenceSource,
  type MadeDifference,
  type MakeOptions,
  makeDifference,
  type NotWorthIt,
} from './make-difference.ts';
export type { Encoding } from './operation.ts';
export { type DifferenceEdge, isWorthIt, planChain } from './plan-chain.ts';
