/**
 * What differs between two blobs, and putting it back: tensor by tensor where both are safetensors or GGUF, by content
 * elsewhere; lossless, in one pass, in memory that no size makes larger. Spec: docs/spec/22-differences.md.
 */
export { applyDifference, type TargetSink } from './apply-difference.ts';
export { type ByteSource, memorySource } from './byte-source.ts';
export { type DifferenceBytes, readDifferenceHeader } from './difference-input.ts';
export { DeltaError } from './errors.ts';
export { makeDifference } from './make-difference.ts';
export { isWorthIt, planChain } from './plan-chain.ts';
