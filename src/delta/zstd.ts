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

export function compress(bytes: Uint8Array, level: number, dictionary?: Uint8Array): Buffer {
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    ...(dictionary === undefined ? {} : { [constants.ZSTD_c_windowLog]: DELTA_LIMITS.zstdWindowLog }),
  };
  return zstdCompressSync(bytes, {
    params,
    chunkSize: Math.max(64, bytes.length),
    ...(dictionary === undefined ? {} : { dictionary }),
  });
}

/** Exactly so many bytes. Throws `bad_payload`. */
export function decompress(frame: Uint8Array, byteCount: number, dictionary?: Uint8Array): Buffer {
  const bytes = unpack(frame, byteCount, dictionary);
  if (bytes.length === byteCount) return bytes;
  throw new DeltaError('bad_payload', `Unpacking a payload: ${bytes.length} bytes, wanted ${byteCount}`);
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
