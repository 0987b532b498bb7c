/**
 * What is used of the package onnxruntime-node, which is optional: the build must not need its types. Loaded only in a probe's
 * own process, never in the node. Spec: docs/spec/17-deployment.md §5.1.
 */
export const ONNX_PACKAGE = 'onnxruntime-node';

export type TensorData = ArrayLike<number | bigint | boolean | string>;

export interface OnnxTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

export interface OnnxValueInfo {
  readonly name: string;
  readonly isTensor: boolean;
  readonly type?: string;
  /** A text is a dimension whose size the model leaves open. */
  readonly shape?: readonly (number | string | undefined)[];
}

export interface OnnxSession {
  readonly inputMetadata: readonly OnnxValueInfo[];
  readonly outputMetadata: readonly OnnxValueInfo[];
  run(feeds: Readonly<Record<string, OnnxTensor>>, fetches: readonly string[]): Promise<Record<string, OnnxTensor>>;
}

export interface OnnxPackage {
  readonly InferenceSession: {
    create(model: string | Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OnnxSession>;
  };
  readonly Tensor: new (type: string, data: TensorData, dims: readonly number[]) => OnnxTensor;
  readonly env: { logLevel?: string; readonly versions: { readonly node?: string; readonly common?: string } };
  listSupportedBackends(): readonly { readonly name: string }[];
}

/** Arrays of 16-bit floats, where this Node has them. */
export type HalfArray = Float32ArrayConstructor;
const floats = globalThis as unknown as { Float16Array?: HalfArray };
export const Half = floats.Float16Array;

/** Throws when it is not there, or its libraries do not load on this machine. */
export async function loadOnnxPackage(name: string): Promise<OnnxPackage> {
  // Its JavaScript half would hand its native half such arrays, which does not know them; without them it takes the bits.
  delete floats.Float16Array;
  const module = (await import(name)) as OnnxPackage & { readonly default?: OnnxPackage };
  const runtime = module.default ?? module;
  runtime.env.logLevel = 'error';
  return runtime;
}
