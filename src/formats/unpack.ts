/**
 * Unpacks what is compressed, in memory and up to a bound, to look at what is in it. What came out before a fault counts: a
 * loader would have had it too. Spec: docs/spec/07-formats.md §5.4.
 */
import type { Transform } from 'node:stream';
import { createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { KiB } from '../core/index.ts';
import type { HeaderSource } from './header-source.ts';

export type Packing = 'gzip' | 'zlib' | 'deflate' | 'zstd';

export interface Unpacked {
  readonly bytes: Buffer;
  /** Undefined when all of it is there. */
  readonly fault: string | undefined;
}

const CHUNK_BYTES = 64 * KiB;
const UNPACKERS: Record<Packing, () => Transform> = {
  gzip: createGunzip,
  zlib: createInflate,
  deflate: createInflateRaw,
  zstd: createZstdDecompress,
};

/** Errors of the disk pass through; those of the packing are told as `fault`. */
export async function unpack(source: HeaderSource, packing: Packing, mostBytes: number): Promise<Unpacked> {
  const unpacker = UNPACKERS[packing]();
  const chunks: Buffer[] = [];
  const disk: { error?: unknown } = {};
  void feed(source, unpacker).catch((thrown: unknown) => {
    disk.error = thrown;
    unpacker.destroy();
  });
  const fault = await collect(unpacker, chunks, mostBytes);
  unpacker.destroy();
  if (disk.error !== undefined) throw disk.error;
  return { bytes: Buffer.concat(chunks).subarray(0, mostBytes), fault };
}

async function collect(unpacker: Transform, chunks: Buffer[], mostBytes: number): Promise<string | undefined> {
  let gathered = 0;
  try {
    for await (const chunk of unpacker as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      gathered += chunk.length;
      if (gathered > mostBytes) return `unpacks to more than ${mostBytes} bytes`;
    }
    return undefined;
  } catch (thrown) {
    return `does not unpack: ${thrown instanceof Error ? thrown.message : 'broken'}`;
  }
}

async function feed(source: HeaderSource, unpacker: Transform): Promise<void> {
  for (let position = 0; position < source.sizeBytes && !unpacker.destroyed; ) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, source.sizeBytes - position));
    const got = await source.read(chunk, position);
    if (got === 0) break;
    position += got;
    if (!unpacker.write(chunk.subarray(0, got))) await drained(unpacker);
  }
  if (!unpacker.destroyed) unpacker.end();
}

/** Room again, or no need any more. */
function drained(unpacker: Transform): Promise<void> {
  return new Promise((resolve) => {
    if (unpacker.destroyed) return resolve();
    unpacker.once('drain', resolve);
    unpacker.once('close', resolve);
  });
}
