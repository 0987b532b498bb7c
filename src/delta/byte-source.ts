/** Bytes to read at random: a file, a blob, a member of a package. Spec: docs/spec/22-differences.md. */
import { DeltaError } from './errors.ts';

export interface ByteSource {
  readonly sizeBytes: number;
  /** Fills `buffer` from `position`; returns the bytes read, short only at the end. */
  read(buffer: Buffer, position: number): Promise<number>;
}

/** Bytes that are in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    async read(buffer, position) {
      const part = bytes.subarray(position, position + buffer.length);
      buffer.set(part);
      return part.length;
    },
  };
}

/** Fills the whole buffer. Throws `source_changed` where the source ends before its size. */
export async function readFully(source: ByteSource, buffer: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < buffer.length) {
    const got = await source.read(done === 0 ? buffer : buffer.subarray(done), position + done);
    if (got <= 0) {
      const wanted = `${buffer.length} at byte ${position}`;
      throw new DeltaError('source_changed', `Reading a source: ${done} bytes came, wanted ${wanted}`);
    }
    done += got;
  }
}
