/** Where a block is cut by its content, and the digest of each chunk. Pure. Spec: docs/spec/22-differences.md §5.5. */
import { hash } from 'node:crypto';
import { seededRandom } from '../core/index.ts';

export interface CutBlock {
  /** Where each chunk ends, ascending; the last one at the block's end. */
  readonly ends: Uint32Array;
  /** The first 8 bytes of each chunk's SHA-1, as two words: it only says where to look, bytes are compared. */
  readonly digests: Uint32Array;
}

const GEAR = makeGear();

function makeGear(): Uint32Array {
  const random = seededRandom(0x61746d6f);
  return Uint32Array.from({ length: 256 }, () => random.next() * 2 ** 32);
}

/** `meanBytes` is a power of two. */
export function cutBlock(bytes: Buffer, meanBytes: number): CutBlock {
  const ends: number[] = [];
  for (let start = 0; start < bytes.length; ) {
    start = chunkEnd(bytes, start, meanBytes);
    ends.push(start);
  }
  const digests = new Uint32Array(2 * ends.length);
  let start = 0;
  for (const [index, end] of ends.entries()) {
    const digest = hash('sha1', bytes.subarray(start, end), 'buffer');
    digests[2 * index] = digest.readUInt32LE(0);
    digests[2 * index + 1] = digest.readUInt32LE(4);
    start = end;
  }
  return { ends: Uint32Array.from(ends), digests };
}

function chunkEnd(bytes: Uint8Array, start: number, meanBytes: number): number {
  const shift = 32 - Math.log2(meanBytes);
  const least = start + meanBytes / 4;
  const most = Math.min(bytes.length, start + meanBytes * 4);
  let rolling = 0;
  for (let at = Math.max(start, least - 32); at < most; at += 1) {
    rolling = ((rolling << 1) + (GEAR[bytes[at] as number] as number)) | 0;
    if (rolling >>> shift === 0 && at >= least) return at + 1;
  }
  return most;
}
