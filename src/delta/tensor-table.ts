/** The tensors of a file, by what its header says. Spec: docs/spec/22-differences.md §5.3, docs/spec/07-formats.md §2, §3. */
import { FormatsError, GGML_TYPES, readGguf, readSafetensors } from '../formats/index.ts';
import { type ByteSource, readFully } from './byte-source.ts';
import { type ElementType, elementTypeOf } from './element-type.ts';
import { DELTA_LIMITS } from './limits.ts';

export interface Tensor {
  readonly name: string;
  readonly typeName: string;
  readonly type: ElementType;
  readonly shape: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface TensorTable {
  readonly format: 'gguf' | 'safetensors';
  /** In the order of their data; none is empty. */
  readonly tensors: readonly Tensor[];
}

const HEAD_BYTES = 9;
const OPEN_BRACE = 0x7b;

/** Undefined where it is neither GGUF nor safetensors, or a broken one: then its bytes are any bytes. */
export async function readTensorTable(source: ByteSource): Promise<TensorTable | undefined> {
  if (source.sizeBytes < HEAD_BYTES) return undefined;
  const head = Buffer.alloc(HEAD_BYTES);
  await readFully(source, head, 0);
  try {
    if (head.toString('latin1', 0, 4) === 'GGUF') return sorted('gguf', await ggufTensors(source));
    if (head[8] === OPEN_BRACE) return sorted('safetensors', await safetensorsTensors(source));
  } catch (thrown) {
    if (!(thrown instanceof FormatsError)) throw thrown;
  }
  return undefined;
}

function sorted(format: TensorTable['format'], tensors: readonly Tensor[]): TensorTable | undefined {
  if (tensors.length > DELTA_LIMITS.pairedTensors) return undefined;
  const filled = tensors.filter(({ sizeBytes }) => sizeBytes > 0);
  return { format, tensors: filled.sort((a, b) => a.offset - b.offset) };
}

async function ggufTensors(source: ByteSource): Promise<Tensor[]> {
  const { tensors } = await readGguf(source);
  const blockBytes = new Map([...GGML_TYPES.values()].map((type) => [type.name, type.blockBytes]));
  return tensors.map(({ name, type, dimensions, offset, sizeBytes = 0 }) => {
    const place = { name, typeName: type, shape: dimensions.join(), offset, sizeBytes };
    return { ...place, type: elementTypeOf(type, blockBytes.get(type)) };
  });
}

async function safetensorsTensors(source: ByteSource): Promise<Tensor[]> {
  const { tensors } = await readSafetensors(source);
  return tensors.map(({ name, dtype, shape, offset, sizeBytes }) => {
    const place = { name, typeName: dtype, shape: shape.join(), offset, sizeBytes };
    return { ...place, type: elementTypeOf(dtype) };
  });
}
