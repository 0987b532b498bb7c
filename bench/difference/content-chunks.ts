/** What a store of content-defined chunks of 64 KiB would send: those of TARGET that BASE does not have. `BASE TARGET` */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

const MEAN_BITS = 16;
const LEAST_BYTES = 16 * 1024;
const MOST_BYTES = 256 * 1024;
const MASK = (2 ** MEAN_BITS - 1) << (32 - MEAN_BITS);

const [base = '', target = ''] = process.argv.slice(2);
const gear = Uint32Array.from({ length: 256 }, (_, byte) =>
  createHash('sha256').update(`${byte}`).digest().readUInt32LE(),
);

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  let kept: Buffer = Buffer.alloc(0);
  for await (const read of createReadStream(path, { highWaterMark: 4 << 20 })) {
    const bytes = Buffer.concat([kept, read as Buffer]);
    let start = 0;
    for (let end = chunkEnd(bytes, start); end !== undefined; end = chunkEnd(bytes, start)) {
      yield bytes.subarray(start, end);
      start = end;
    }
    kept = Buffer.from(bytes.subarray(start));
  }
  if (kept.length > 0) yield kept;
}

function chunkEnd(bytes: Buffer, start: number): number | undefined {
  let rolling = 0;
  const most = Math.min(bytes.length, start + MOST_BYTES);
  for (let at = start + LEAST_BYTES; at < most; at += 1) {
    rolling = ((rolling << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0;
    if ((rolling & MASK) === 0) return at + 1;
  }
  return most === start + MOST_BYTES ? most : undefined;
}

const digestOf = (chunk: Buffer) => createHash('sha256').update(chunk).digest('base64');
const known = new Set<string>();
for await (const chunk of chunksOf(base)) known.add(digestOf(chunk));
let sizeBytes = 0;
for await (const chunk of chunksOf(target)) {
  sizeBytes += 32;
  if (!known.has(digestOf(chunk))) sizeBytes += chunk.length;
}
console.log(JSON.stringify({ sizeBytes }));
