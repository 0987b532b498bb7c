/**
 * What a model file says about itself: readers of GGUF, safetensors and ONNX headers, the gate against pickles, and
 * what a name tells. Every length, count and offset is checked against the file. Spec: docs/spec/07-formats.md.
 */
export { type DescribedFile, describeModelFile } from './describe-model-file.ts';
export { FORMATS_ERRORS, FormatsError, type FormatsErrorCode } from './errors.ts';
export { detectFromName, extensionOf, isModelFileName, type NameHints, splitDatedName } from './file-name.ts';
export { type GgufHeader, type GgufTensor, readGguf } from './gguf.ts';
export { describeGguf } from './gguf-description.ts';
export { type GgufPart, parseGgufPartName } from './gguf-parts.ts';
export type { GgufArray, GgufScalar, GgufValue } from './gguf-values.ts';
export { bufferSource, type HeaderSource } from './header-source.ts';
export { describeConfig } from './hf-config.ts';
export { FORMATS_LIMITS } from './limits.ts';
export { type ModelDescription, type ModelFormat, type ModelType, toBillions } from './model-description.ts';
export { type OnnxHeader, readOnnx } from './onnx.ts';
export type { OnnxValue } from './onnx-tensors.ts';
export { isUnsafeFile } from './pickle.ts';
export { readSafetensors, type SafetensorsHeader, type SafetensorsTensor } from './safetensors.ts';
export { parseShardIndex } from './safetensors-index.ts';
