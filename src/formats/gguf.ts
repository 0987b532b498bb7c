/** The header of a GGUF file, every tensor placed and checked. Spec: docs/spec/07-formats.md §2. */
import { GGML_TYPES } from './gguf-tables.ts';
import { type GgufValue, readGgufString, readGgufValue } from './gguf-values.ts';
import { HeaderCursor } from './header-cursor.ts';
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';

export const GGUF_MAGIC = 0x46554747;
const PAIR_LEAST_BYTES = 8 + 1 + 4 + 1;
const TENSOR_LEAST_BYTES = 8 + 1 + 4 + 4 + 8;

export interface GgufTensor {
  readonly name: string;
  /** Fastest dimension first, as in the file. */
  readonly dimensions: readonly number[];
  /** Name of the ggml type, or `type_<number>` where it is not known. */
  readonly type: string;
  readonly elements: number;
  /** From the start of the file. */
  readonly offset: number;
  /** Absent for a type that is not known. */
  readonly sizeBytes?: number;
}

export interface GgufHeader {
  readonly version: number;
  readonly alignment: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
  /** Where tensor data begins. */
  readonly dataOffset: number;
}

type TensorInfo = Omit<GgufTensor, 'offset'> & { readonly relativeOffset: number };

/** Reads and checks the whole header. Throws FormatsError. */
export async function readGguf(source: HeaderSource): Promise<GgufHeader> {
  const cursor = new HeaderCursor(source, 'GGUF', FORMATS_LIMITS.ggufHeaderBytes);
  const { version, tensorCount, pairCount } = await readPreamble(cursor);
  const metadata = await readPairs(cursor, pairCount);
  const alignment = alignmentOf(cursor, metadata);
  const infos: TensorInfo[] = [];
  const names = new Set<string>();
  for (let index = 0; index < tensorCount; index += 1) {
    const info = await readTensorInfo(cursor);
    if (names.has(info.name)) throw cursor.fail('bad_header', `two tensors are named ${JSON.stringify(info.name)}`);
    names.add(info.name);
    infos.push(info);
  }
  const dataOffset = Math.ceil(cursor.position / alignment) * alignment;
  const tensors = infos.map((info) => placeTensor(cursor, info, dataOffset, alignment, source.sizeBytes));
  assertNoOverlap(cursor, tensors);
  return { version, alignment, metadata, tensors, dataOffset };
}

async function readPreamble(cursor: HeaderCursor) {
  await cursor.need(24);
  if (cursor.u32() !== GGUF_MAGIC) throw cursor.fail('bad_header', 'the magic is not GGUF');
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw cursor.fail('bad_header', `version ${version} is not 2 or 3`);
  const tensorCount = cursor.count('the tensor count');
  const pairCount = cursor.count('the pair count');
  if (tensorCount > cursor.remaining / TENSOR_LEAST_BYTES) throw cursor.truncated(tensorCount * TENSOR_LEAST_BYTES);
  if (pairCount > cursor.remaining / PAIR_LEAST_BYTES) throw cursor.truncated(pairCount * PAIR_LEAST_BYTES);
  if (tensorCount > FORMATS_LIMITS.ggufTensors || pairCount > FORMATS_LIMITS.ggufPairs)
    throw cursor.fail('too_large_header', `${tensorCount} tensors and ${pairCount} pairs`);
  return { version, tensorCount, pairCount };
}

async function readPairs(cursor: HeaderCursor, pairCount: number): Promise<Map<string, GgufValue>> {
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < pairCount; index += 1) {
    const key = await readGgufString(cursor, 'a key', FORMATS_LIMITS.ggufKeyBytes);
    if (metadata.has(key)) throw cursor.fail('bad_header', `the key ${JSON.stringify(key)} is given twice`);
    await cursor.need(4);
    metadata.set(key, await readGgufValue(cursor, cursor.u32()));
  }
  return metadata;
}

function alignmentOf(cursor: HeaderCursor, metadata: ReadonlyMap<string, GgufValue>): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  const isPowerOfTwo = typeof alignment === 'number' && Number.isInteger(Math.log2(alignment));
  if (!isPowerOfTwo || alignment < 8 || alignment > FORMATS_LIMITS.ggufAlignment)
    throw cursor.fail('bad_header', `the alignment ${String(alignment)} is not a power of two from 8`);
  return alignment;
}

async function readTensorInfo(cursor: HeaderCursor): Promise<TensorInfo> {
  const name = await readGgufString(cursor, 'a tensor name', FORMATS_LIMITS.ggufTensorNameBytes);
  await cursor.need(4);
  const dimensionCount = cursor.u32();
  if (dimensionCount > FORMATS_LIMITS.ggufDimensions)
    throw cursor.fail('bad_header', `a tensor has ${dimensionCount} dimensions`);
  await cursor.need(dimensionCount * 8 + 12);
  const dimensions = Array.from({ length: dimensionCount }, () => cursor.count('a dimension'));
  const elements = dimensions.reduce((product, dimension) => product * dimension, 1);
  if (!Number.isSafeInteger(elements)) throw cursor.fail('bad_header', 'a tensor has more than 2^53 elements');
  const typeNumber = cursor.u32();
  const relativeOffset = cursor.count('a tensor offset');
  return { name, dimensions, elements, relativeOffset, ...sizeOf(cursor, typeNumber, dimensions, elements) };
}

function sizeOf(cursor: HeaderCursor, typeNumber: number, dimensions: readonly number[], elements: number) {
  const type = GGML_TYPES.get(typeNumber);
  if (type === undefined) return { type: `type_${typeNumber}` };
  if ((dimensions[0] ?? 1) % type.blockElements !== 0)
    throw cursor.fail('bad_header', `a row of ${dimensions[0]} is not whole blocks of ${type.name}`);
  return { type: type.name, sizeBytes: (elements / type.blockElements) * type.blockBytes };
}

function placeTensor(
  cursor: HeaderCursor,
  { relativeOffset, ...info }: TensorInfo,
  dataOffset: number,
  alignment: number,
  fileBytes: number,
): GgufTensor {
  const offset = dataOffset + relativeOffset;
  if (relativeOffset % alignment !== 0)
    throw cursor.fail('bad_header', `tensor ${JSON.stringify(info.name)} is not aligned to ${alignment}`);
  if (offset + (info.sizeBytes ?? 0) > fileBytes)
    throw cursor.fail('truncated', `tensor ${JSON.stringify(info.name)} ends past the file's ${fileBytes} bytes`);
  return { ...info, offset };
}

function assertNoOverlap(cursor: HeaderCursor, tensors: readonly GgufTensor[]): void {
  let end = 0;
  for (const tensor of [...tensors].sort((a, b) => a.offset - b.offset)) {
    if (tensor.offset < end && tensor.elements > 0)
      throw cursor.fail('bad_header', `tensor ${JSON.stringify(tensor.name)} overlaps another`);
    end = Math.max(end, tensor.offset + (tensor.sizeBytes ?? 0));
  }
}
