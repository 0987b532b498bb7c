/** One zstd frame, bounded both ways. Spec: docs/spec/22-differences.md §2.1. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { messageOf } from '../core/index.ts';
import { DeltaError } from './errors.ts';
import { DELTA_LIMITS } from './limits.ts';

const TRAINED_DICTIONARY = 0xec30a437;

/** Content that zstd would take for a trained dictionary is none that both sides agree on. */
export function isDictionary(bytes: Buffer): boolean {
  return bytes.length >= 8 && bytes.readUInt32LE(0) !== TRAINED_DICTIONARY;
}

export interface Effort {
  readonly level: number;
  /** Tables large enough for a dictionary of 2 MiB; unless given, the level's own. */
  readonly tableLog?: number;
  readonly leastMatch?: number;
}

export const EFFORTS = {
  planes: { level: 1 },
  bytes: { level: 3 },
  small: { level: 12 },
  patch: { level: 3, tableLog: 20, leastMatch: 7 },
  smallPatch: { level: 9 },
} as const satisfies Record<string, Effort>;

export function compress(bytes: Uint8Array, effort: Effort, dictionary?: Uint8Array): Buffer {
  const params = paramsOf(effort, dictionary !== undefined);
  const chunkSize = Math.max(64, Math.ceil(bytes.length / 4));
  return zstdCompressSync(bytes, { params, chunkSize, ...(dictionary === undefined ? {} : { dictionary }) });
}

function paramsOf({ level, tableLog, leastMatch }: Effort, hasDictionary: boolean): Record<number, number> {
  const params: Record<number, number> = { [constants.ZSTD_c_compressionLevel]: level };
  if (hasDictionary) params[constants.ZSTD_c_windowLog] = DELTA_LIMITS.zstdWindowLog;
  if (tableLog !== undefined) params[constants.ZSTD_c_hashLog] = tableLog;
  if (tableLog !== undefined) params[constants.ZSTD_c_chainLog] = tableLog;
  if (leastMatch !== undefined) params[constants.ZSTD_c_minMatch] = leastMatch;
  return params;
}

/** Exactly so many bytes. Throws `bad_payload`. */
export function decompress(frame: Uint8Array, byteCount: number, dictionary?: Uint8Array): Buffer {
  const bytes = unpack(frame, byteCount, dictionary);
  if (bytes.length === byteCount) return bytes;
  throw new DeltaError('bad_payload', `Unpacking a payload: ${bytes.length} bytes, wanted ${byteCount}`);
}

/** At most so many bytes. Throws `bad_payload`. */
export function decompressUpTo(frame: Uint8Array, byteCount: number): Buffer {
  return unpack(frame, byteCount, undefined);
}

function unpack(frame: Uint8Array, byteCount: number, dictionary: Uint8Array | undefined): Buffer {
  try {
    return zstdDecompressSync(frame, {
      params: { [constants.ZSTD_d_windowLogMax]: DELTA_LIMITS.zstdWindowLog },
      maxOutputLength: byteCount,
      chunkSize: Math.max(64, byteCount + 1),
      ...(dictionary === undefined ? {} : { dictionary }),
    });
  } catch (thrown) {
    throw new DeltaError('bad_payload', `Unpacking a payload: ${messageOf(thrown)}`, { cause: thrown });
  }
}
