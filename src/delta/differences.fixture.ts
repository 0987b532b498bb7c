/** Differences in memory, for tests. */
import { createHash } from 'node:crypto';
import type { Sha256 } from '../core/index.ts';
import { applyDifference } from './apply-difference.ts';
import { memorySource } from './byte-source.ts';
import { type MadeDifference, makeDifference } from './make-difference.ts';

export function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

export interface Made {
  readonly difference: Buffer;
  readonly made: MadeDifference;
}

/** However large it gets. */
export async function differenceOf(base: Uint8Array, target: Uint8Array): Promise<Made> {
  const parts: Buffer[] = [];
  const made = await makeDifference({
    base: { sha256: sha256Of(base), bytes: memorySource(base) },
    target: { sha256: sha256Of(target), bytes: memorySource(target) },
    output: { write: async (bytes) => void parts.push(Buffer.from(bytes)) },
    mostBytes: Number.MAX_SAFE_INTEGER,
  });
  if (made.outcome !== 'made') throw new Error('no bound was given');
  return { difference: Buffer.concat(parts), made };
}

/** What a difference makes of a base, its digest verified. */
export async function applied(difference: Uint8Array, base: Uint8Array): Promise<Buffer> {
  const parts: Buffer[] = [];
  await applyDifference({
    difference: memorySource(difference),
    base: memorySource(base),
    sink: { write: async (bytes) => void parts.push(Buffer.from(bytes)) },
  });
  return Buffer.concat(parts);
}

export interface TestTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Buffer;
}

export function safetensorsOf(tensors: readonly TestTensor[]): Buffer {
  let at = 0;
  const header: Record<string, unknown> = {};
  for (const { name, dtype, shape, data } of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...tensors.map(({ data }) => data)]);
}

const GGML_NUMBERS: Readonly<Record<string, number>> = { F32: 0, F16: 1, Q8_0: 8, I8: 24, BF16: 30 };
const ALIGNMENT = 32;

export function ggufOf(tensors: readonly TestTensor[]): Buffer {
  const preamble = Buffer.alloc(24);
  preamble.write('GGUF');
  preamble.writeUInt32LE(3, 4);
  preamble.writeBigUInt64LE(BigInt(tensors.length), 8);
  let at = 0;
  const infos = tensors.map(({ name, dtype, shape, data }) => {
    const info = ggufInfo(name, dtype, shape, at);
    at += padded(data).length;
    return info;
  });
  return Buffer.concat([padded(Buffer.concat([preamble, ...infos])), ...tensors.map(({ data }) => padded(data))]);
}

function ggufInfo(name: string, dtype: string, shape: readonly number[], offset: number): Buffer {
  const text = Buffer.from(name);
  const info = Buffer.alloc(8 + text.length + 4 + 8 * shape.length + 12);
  info.writeBigUInt64LE(BigInt(text.length), 0);
  text.copy(info, 8);
  let at = info.writeUInt32LE(shape.length, 8 + text.length);
  for (const dimension of shape) at = info.writeBigUInt64LE(BigInt(dimension), at);
  at = info.writeUInt32LE(GGML_NUMBERS[dtype] ?? 0, at);
  info.writeBigUInt64LE(BigInt(offset), at);
  return info;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);
}
