/** The header of a safetensors file, every tensor placed and checked. Spec: docs/spec/07-formats.md §3. */
import { FormatsError, type FormatsErrorCode } from './errors.ts';
import { HeaderCursor } from './header-cursor.ts';
import type { HeaderSource } from './header-source.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from './json-fields.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { defined, type ModelDescription, majorityOf, toBillions } from './model-description.ts';

const LENGTH_BYTES = 8;
const OPEN_BRACE = 0x7b;

const DTYPE_BITS: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['BOOL', 8],
  ['U8', 8],
  ['I8', 8],
  ['F8_E4M3', 8],
  ['F8_E5M2', 8],
  ['F8_E8M0', 8],
  ['U16', 16],
  ['I16', 16],
  ['F16', 16],
  ['BF16', 16],
  ['U32', 32],
  ['I32', 32],
  ['F32', 32],
  ['U64', 64],
  ['I64', 64],
  ['F64', 64],
  ['C64', 64],
]);
const QUANTIZATION_OF_DTYPE: ReadonlyMap<string, string> = new Map([
  ...['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2', 'F4'].map((dtype) => [dtype, dtype] as const),
  ['I8', 'INT8'],
]);

export interface SafetensorsTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly elements: number;
  /** From the start of the file. */
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their data. */
  readonly tensors: readonly SafetensorsTensor[];
  readonly dataOffset: number;
}

/** Reads and checks the whole header. Throws FormatsError. */
export async function readSafetensors(source: HeaderSource): Promise<SafetensorsHeader> {
  const budgetBytes = FORMATS_LIMITS.safetensorsHeaderBytes + FORMATS_LIMITS.windowBytes;
  const cursor = new HeaderCursor(source, 'safetensors', budgetBytes);
  await cursor.need(LENGTH_BYTES);
  const headerBytes = cursor.count('the header length');
  if (headerBytes < 2) throw cursor.fail('bad_header', `a header of ${headerBytes} bytes`);
  if (headerBytes > cursor.remaining) throw cursor.truncated(headerBytes);
  if (headerBytes > FORMATS_LIMITS.safetensorsHeaderBytes)
    throw cursor.fail('too_large_header', `${headerBytes} bytes, at most ${FORMATS_LIMITS.safetensorsHeaderBytes}`);
  await cursor.need(headerBytes);
  return parseHeader(cursor.bytes(headerBytes), source.sizeBytes);
}

/** Fields for ModelDescription, the type left to the name and to config.json. */
export function describeSafetensors(header: SafetensorsHeader): Partial<ModelDescription> {
  const elements = new Map<string, number>();
  for (const { dtype, elements: count } of header.tensors) elements.set(dtype, (elements.get(dtype) ?? 0) + count);
  const parameterCount = header.tensors.reduce((sum, tensor) => sum + tensor.elements, 0);
  return defined({
    format: 'safetensors' as const,
    quantization: QUANTIZATION_OF_DTYPE.get(majorityOf(elements) ?? ''),
    parameterCount,
    paramsBillions: toBillions(parameterCount),
    unsafe: false,
    metadata: keptMetadata(header.metadata),
  });
}

function parseHeader(bytes: Buffer, fileBytes: number): SafetensorsHeader {
  const json = bytes[0] === OPEN_BRACE ? parseJsonObject(bytes.toString('utf8')) : undefined;
  if (json === undefined) throw fail('bad_header', 'it is not a JSON object');
  const dataOffset = LENGTH_BYTES + bytes.length;
  const entries = Object.entries(json).filter(([name]) => name !== '__metadata__');
  if (entries.length > FORMATS_LIMITS.safetensorsTensors)
    throw fail('too_large_header', `${entries.length} tensors, at most ${FORMATS_LIMITS.safetensorsTensors}`);
  const tensors = entries.map(([name, value]) => parseTensor(name, value, dataOffset));
  tensors.sort((a, b) => a.offset - b.offset || a.sizeBytes - b.sizeBytes);
  assertContiguous(tensors, dataOffset, fileBytes);
  return { metadata: parseMetadata(json), tensors, dataOffset };
}

function parseTensor(name: string, value: unknown, dataOffset: number): SafetensorsTensor {
  const fields = isJsonObject(value) ? value : {};
  const { dtype, shape, data_offsets: offsets } = fields;
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2)
    throw fail('bad_header', `tensor ${shown(name)} lacks a dtype, shape or data_offsets`);
  const [start = 0, end = 0] = offsets;
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const bits = DTYPE_BITS.get(dtype);
  const isSizeRight = bits === undefined || elements * bits === (end - start) * 8;
  if (end < start || !Number.isSafeInteger(elements) || !isSizeRight)
    throw fail('bad_header', `tensor ${shown(name)} has ${end - start} bytes for ${dtype} of [${shape.join(', ')}]`);
  return { name, dtype, shape, elements, offset: dataOffset + start, sizeBytes: end - start };
}

function assertContiguous(tensors: readonly SafetensorsTensor[], dataOffset: number, fileBytes: number): void {
  let end = dataOffset;
  for (const tensor of tensors) {
    if (tensor.offset !== end) throw fail('bad_header', `tensor ${shown(tensor.name)} leaves a hole or overlaps`);
    end += tensor.sizeBytes;
  }
  if (end > fileBytes) throw fail('truncated', `tensors end at byte ${end}, the file at ${fileBytes}`);
  if (end < fileBytes) throw fail('bad_header', `${fileBytes - end} bytes follow the last tensor`);
}

function parseMetadata(json: JsonObject): Record<string, string> {
  if (!Object.hasOwn(json, '__metadata__')) return {};
  const metadata = json.__metadata__;
  if (!isJsonObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string'))
    throw fail('bad_header', '__metadata__ is not an object of strings');
  return metadata as Record<string, string>;
}

function isCounts(value: unknown): value is number[] {
  const isList = Array.isArray(value) && value.length <= FORMATS_LIMITS.safetensorsDimensions;
  return isList && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function keptMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const short = Object.entries(metadata).filter(
    ([key, value]) => key.length <= FORMATS_LIMITS.textChars && value.length <= FORMATS_LIMITS.textChars,
  );
  return Object.fromEntries(short.slice(0, FORMATS_LIMITS.describedFields));
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function fail(code: FormatsErrorCode, fault: string): FormatsError {
  return new FormatsError(code, `Reading a safetensors header: ${fault}`, { data: { format: 'safetensors' } });
}
