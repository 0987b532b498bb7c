/** Key-value pairs of a GGUF header. Spec: docs/spec/07-formats.md §2.2–2.3. */
import { GGUF_ARRAY, GGUF_STRING, GGUF_VALUE_BYTES } from './gguf-tables.ts';
import type { HeaderCursor } from './header-cursor.ts';
import { FORMATS_LIMITS } from './limits.ts';

export type GgufScalar = string | number | bigint | boolean;
/** An array too long to keep has its count and no items. */
export interface GgufArray {
  readonly elementType: number;
  readonly count: number;
  readonly items?: readonly GgufScalar[];
}
export type GgufValue = GgufScalar | GgufArray;

export async function readGgufString(cursor: HeaderCursor, what: string, maxBytes: number): Promise<string> {
  await cursor.need(8);
  const byteCount = cursor.count(`the length of ${what}`);
  if (byteCount > cursor.remaining) throw cursor.truncated(byteCount);
  if (byteCount === 0 || byteCount > maxBytes)
    throw cursor.fail('bad_header', `${what} has ${byteCount} bytes, wanted 1 to ${maxBytes}`);
  await cursor.need(byteCount);
  return cursor.bytes(byteCount).toString('utf8');
}

export async function readGgufValue(cursor: HeaderCursor, type: number): Promise<GgufValue> {
  if (type === GGUF_ARRAY) return await readArray(cursor, 1);
  return await readScalar(cursor, type);
}

async function readScalar(cursor: HeaderCursor, type: number): Promise<GgufScalar> {
  if (type === GGUF_STRING) return await readKeptString(cursor);
  await cursor.need(fixedBytes(cursor, type));
  return toScalar(cursor, type);
}

async function readKeptString(cursor: HeaderCursor): Promise<string> {
  await cursor.need(8);
  const byteCount = cursor.count('the length of a string');
  if (byteCount > cursor.remaining) throw cursor.truncated(byteCount);
  const kept = Math.min(byteCount, FORMATS_LIMITS.ggufKeptStringBytes);
  await cursor.need(kept);
  const text = cursor.bytes(kept).toString('utf8');
  cursor.skip(byteCount - kept);
  return text;
}

async function readArray(cursor: HeaderCursor, depth: number): Promise<GgufArray> {
  if (depth > FORMATS_LIMITS.ggufArrayDepth) throw cursor.fail('bad_header', `arrays nest deeper than ${depth - 1}`);
  await cursor.need(12);
  const elementType = cursor.u32();
  const count = cursor.count('the count of an array');
  const leastBytes =
    elementType === GGUF_ARRAY ? 12 : elementType === GGUF_STRING ? 8 : fixedBytes(cursor, elementType);
  if (count > cursor.remaining / leastBytes) throw cursor.truncated(count * leastBytes);
  if (elementType === GGUF_ARRAY) {
    for (let index = 0; index < count; index += 1) await readArray(cursor, depth + 1);
    return { elementType, count };
  }
  if (count <= FORMATS_LIMITS.ggufKeptArrayItems) return await readItems(cursor, elementType, count);
  if (elementType === GGUF_STRING) await skipStrings(cursor, count);
  else cursor.skip(count * leastBytes);
  return { elementType, count };
}

async function readItems(cursor: HeaderCursor, elementType: number, count: number): Promise<GgufArray> {
  const items: GgufScalar[] = [];
  for (let index = 0; index < count; index += 1) items.push(await readScalar(cursor, elementType));
  return { elementType, count, items };
}

/** A tokenizer's words: walked without a promise or a string each. */
async function skipStrings(cursor: HeaderCursor, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    if (!cursor.has(8)) await cursor.need(8);
    cursor.skip(cursor.count('the length of a string'));
  }
}

function fixedBytes(cursor: HeaderCursor, type: number): number {
  const byteCount = GGUF_VALUE_BYTES.get(type);
  if (byteCount === undefined) throw cursor.fail('bad_header', `value type ${type} does not exist`);
  return byteCount;
}

function toScalar(cursor: HeaderCursor, type: number): GgufScalar {
  const bytes = cursor.bytes(fixedBytes(cursor, type));
  switch (type) {
    case 0:
      return bytes.readUInt8(0);
    case 1:
      return bytes.readInt8(0);
    case 2:
      return bytes.readUInt16LE(0);
    case 3:
      return bytes.readInt16LE(0);
    case 4:
      return bytes.readUInt32LE(0);
    case 5:
      return bytes.readInt32LE(0);
    case 6:
      return bytes.readFloatLE(0);
    case 7:
      return toBoolean(cursor, bytes.readUInt8(0));
    case 10:
      return toNumberIfSafe(bytes.readBigUInt64LE(0));
    case 11:
      return toNumberIfSafe(bytes.readBigInt64LE(0));
    default:
      return bytes.readDoubleLE(0);
  }
}

function toBoolean(cursor: HeaderCursor, byte: number): boolean {
  if (byte > 1) throw cursor.fail('bad_header', `a truth value is ${byte}`);
  return byte === 1;
}

function toNumberIfSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
