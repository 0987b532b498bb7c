/**
 * What a model file says about itself: readers of GGUF, safetensors and ONNX headers, the gate against pickles, and
 * what a name tells. Every length, count and offset is checked against the file. Spec: docs/spec/07-formats.md.
 */
export { type DescribedFile, describeModelFile } from './describe-model-file.ts';
export { FormatsError } from './errors.ts';
export { extensionOf, isModelFileName, splitDatedName } from './file-name.ts';
export { readGguf } from './gguf.ts';
export { parseGgufPartName } from './gguf-parts.ts';
export { GGML_TYPES } from './gguf-tables.ts';
export { bufferSource, type HeaderSource } from './header-source.ts';
export { describeConfig } from './hf-config.ts';
export { type FileInspection, inspectModelFile } from './inspect-model-file.ts';
export { FORMATS_LIMITS } from './limits.ts';
export { type ModelDescription, toBillions } from './model-description.ts';
export { readOnnx } from './onnx.ts';
export { readSafetensors } from './safetensors.ts';
export { parseShardIndex } from './safetensors-index.ts';
