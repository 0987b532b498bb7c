/** Values that go into a model: zeros of the declared shapes, or golden ones. Spec: docs/spec/17-deployment.md §5.5, §5.6. */
import type { Golden, GoldenTensor, GoldenValue } from '../golden.ts';
import { RUNTIMES_LIMITS } from '../limits.ts';
import {
  Half,
  type HalfArray,
  type OnnxPackage,
  type OnnxTensor,
  type OnnxValueInfo,
  type TensorData,
} from './onnx-package.ts';
import { Refusal } from './refusal.ts';

type Feeds = Record<string, OnnxTensor>;
type Fill = (count: number) => TensorData;
type Convert = (values: readonly GoldenValue[]) => TensorData;

interface ElementKind {
  readonly zeros: Fill;
  readonly from: Convert;
}

const KINDS: Readonly<Record<string, ElementKind>> = {
  float32: numeric(Float32Array),
  float64: numeric(Float64Array),
  int8: numeric(Int8Array),
  uint8: numeric(Uint8Array),
  int16: numeric(Int16Array),
  uint16: numeric(Uint16Array),
  int32: numeric(Int32Array),
  uint32: numeric(Uint32Array),
  bool: numeric(Uint8Array),
  int64: big(BigInt64Array),
  uint64: big(BigUint64Array),
  ...(Half === undefined ? {} : { float16: half(Half) }),
  string: { zeros: (count) => new Array<string>(count).fill(''), from: (values) => values.map(String) },
};

/** Every input as zeros; `open` is the size of dimensions that have none, but for the first of an input, which is 1. */
export function zeroFeeds({ Tensor }: OnnxPackage, inputs: readonly OnnxValueInfo[], open: number): Feeds {
  let left = RUNTIMES_LIMITS.zeroInputValues;
  const feeds = inputs.map((input) => {
    const dims = shapeOf(input).map((size, at) => (typeof size === 'number' ? size : at === 0 ? 1 : open));
    const count = dims.reduce((product, size) => product * size, 1);
    left -= count;
    if (!(left >= 0))
      throw new Refusal(
        'probe_failed',
        `the declared inputs hold more than ${RUNTIMES_LIMITS.zeroInputValues} values; give golden inputs in the manifest`,
      );
    return [input.name, new Tensor(typeOf(input), kindOf(input).zeros(count), dims)] as const;
  });
  return Object.fromEntries(feeds);
}

/** Throws Refusal `bad_golden` where they are for another model. */
export function goldenFeeds(
  { Tensor }: OnnxPackage,
  inputs: readonly OnnxValueInfo[],
  { inputs: given }: Golden,
): Feeds {
  const unknown = Object.keys(given).find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined) throw new Refusal('bad_golden', `the model has no input ${unknown}`);
  const feeds = inputs.map((input) => {
    const tensor = Object.hasOwn(given, input.name) ? given[input.name] : undefined;
    if (tensor === undefined) throw new Refusal('bad_golden', `there is no value for the input ${input.name}`);
    assertShape(input, tensor.shape);
    return [input.name, new Tensor(typeOf(input), convert(input, tensor), tensor.shape)] as const;
  });
  return Object.fromEntries(feeds);
}

/** Is there a dimension whose size the model leaves open, other than an input's first? */
export function hasOpenDimensions(inputs: readonly OnnxValueInfo[]): boolean {
  return inputs.some((input) => shapeOf(input).some((size, at) => at > 0 && typeof size !== 'number'));
}

export function shapeOf(info: OnnxValueInfo): NonNullable<OnnxValueInfo['shape']> {
  if (info.isTensor && info.shape !== undefined) return info.shape;
  throw new Refusal('probe_failed', `the input ${info.name} is not a tensor; that can not be tried`);
}

function assertShape(input: OnnxValueInfo, shape: readonly number[]): void {
  const wanted = shapeOf(input);
  const isLike =
    wanted.length === shape.length && wanted.every((size, at) => typeof size !== 'number' || size === shape[at]);
  if (!isLike)
    throw new Refusal('bad_golden', `${input.name} is [${shape}], and the model wants [${wanted.map(String)}]`);
}

function convert(input: OnnxValueInfo, { data }: GoldenTensor): TensorData {
  try {
    return kindOf(input).from(data);
  } catch (thrown) {
    if (thrown instanceof Refusal) throw thrown;
    throw new Refusal('bad_golden', `${input.name} has values that are no ${input.type}`);
  }
}

function typeOf(input: OnnxValueInfo): string {
  return input.type ?? 'float32';
}

function kindOf(input: OnnxValueInfo): ElementKind {
  const type = typeOf(input);
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (kind === undefined)
    throw new Refusal('probe_failed', `the input ${input.name} is of type ${type}, which can not be given`);
  return kind;
}

function numeric(Values: {
  new (count: number): TensorData;
  from(values: readonly number[]): TensorData;
}): ElementKind {
  return {
    zeros: (count) => new Values(count),
    from: (values) =>
      Values.from(
        values.map((value) => {
          if (typeof value === 'string') throw new TypeError('a text');
          return Number(value);
        }),
      ),
  };
}

function big(Values: { new (count: number): TensorData; from(values: readonly bigint[]): TensorData }): ElementKind {
  return {
    zeros: (count) => new Values(count),
    from: (values) => Values.from(values.map((value) => BigInt(value))),
  };
}

/** The runtime carries 16-bit floats as their bits. */
function half(Values: HalfArray): ElementKind {
  const { zeros, from } = numeric(Values);
  const bits = (data: TensorData) => new Uint16Array((data as Float32Array).buffer);
  return { zeros: (count) => bits(zeros(count)), from: (values) => bits(from(values)) };
}

/** What a runtime answered, 16-bit floats as numbers. */
export function toNumbers(tensor: OnnxTensor): OnnxTensor {
  const { type, dims, data } = tensor;
  if (type !== 'float16' || Half === undefined || !(data instanceof Uint16Array)) return tensor;
  return { type, dims, data: new Half(data.buffer, data.byteOffset, data.length) };
}
