/**
 * The chunks of a file of knowledge as two short digests each: which chunk it is, and which with what in it. However long its lines are,
 * a chunk takes 16 bytes. Spec: docs/spec/21-packages.md §11.5.
 */
import { createHash } from 'node:crypto';
import { AtmoError, assertGoesOn } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { ReadableBytes } from '../ports.ts';

/** A file of knowledge, wherever it lies. */
export interface KnowledgeBytes extends ReadableBytes {
  /** For messages. */
  readonly name: string;
  readonly sizeBytes: number;
}

/** Sorted, each once. */
export interface ChunkDigests {
  readonly ids: BigUint64Array;
  readonly contents: BigUint64Array;
}

/** Reads it once, in order. Throws AtmoError `too_large`, `truncated`, `cancelled` and what reading throws. */
export async function readChunkDigests(file: KnowledgeBytes, signal?: AbortSignal): Promise<ChunkDigests> {
  const ids = new DigestColumn(file.name);
  const contents = new DigestColumn(file.name);
  for await (const line of linesOf(file, signal)) {
    const text = trimEnd(line);
    if (text.length === 0) continue;
    const id = idOf(text);
    ids.add(id === undefined ? shortDigest(text) : shortDigest(Buffer.from(id)));
    contents.add(shortDigest(id === undefined ? text : Buffer.concat([Buffer.from(`${id}\n`), text])));
  }
  return { ids: ids.sorted(), contents: contents.sorted() };
}

/** The chunk's own name, told from a chunk without one by the word in front. */
function idOf(line: Buffer): string | undefined {
  if (line[0] !== OPENING_BRACE) return undefined;
  try {
    const { id } = JSON.parse(line.toString('utf8')) as { readonly id?: unknown };
    return typeof id === 'string' || typeof id === 'number' ? `id ${typeof id} ${id}` : undefined;
  } catch {
    return undefined;
  }
}

const OPENING_BRACE = 0x7b;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

function shortDigest(bytes: Uint8Array): bigint {
  return createHash('sha256').update(bytes).digest().readBigUInt64BE(0);
}

function trimEnd(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

/** Grows by doubling up to the limit. */
class DigestColumn {
  readonly #name: string;
  #values = new BigUint64Array(1024);
  #count = 0;

  constructor(name: string) {
    this.#name = name;
  }

  add(value: bigint): void {
    if (this.#count === ATMO_LIMITS.chunksPerFile)
      throw new AtmoError('too_large', `Reading ${this.#name}: more than ${ATMO_LIMITS.chunksPerFile} chunks`);
    if (this.#count === this.#values.length) {
      const larger = new BigUint64Array(Math.min(this.#values.length * 2, ATMO_LIMITS.chunksPerFile));
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count] = value;
    this.#count += 1;
  }

  sorted(): BigUint64Array {
    const values = this.#values.subarray(0, this.#count).sort();
    let kept = 0;
    for (const value of values)
      if (kept === 0 || values[kept - 1] !== value) {
        values[kept] = value;
        kept += 1;
      }
    return values.subarray(0, kept);
  }
}

/** Without their line feeds. A line is only good until the next one is asked for. */
async function* linesOf(file: KnowledgeBytes, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafe(Math.min(ATMO_LIMITS.copyBlockBytes, Math.max(1, file.sizeBytes)));
  let begun: Buffer[] = [];
  let begunBytes = 0;
  for (let position = 0; position < file.sizeBytes; ) {
    assertGoesOn(signal, `Reading ${file.name}`);
    const count = await file.read(block.subarray(0, Math.min(block.length, file.sizeBytes - position)), position);
    if (count === 0) throw new AtmoError('truncated', `Reading ${file.name}: it ends after ${position} bytes`);
    position += count;
    let start = 0;
    for (let end = lineEnd(block, start, count); end !== -1; end = lineEnd(block, start, count)) {
      const rest = block.subarray(start, end);
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
      begun = [];
      begunBytes = 0;
      start = end + 1;
    }
    begun.push(Buffer.from(block.subarray(start, count)));
    begunBytes += count - start;
    if (begunBytes > ATMO_LIMITS.chunkLineBytes)
      throw new AtmoError(
        'too_large',
        `Reading ${file.name}: a line has more than ${ATMO_LIMITS.chunkLineBytes} bytes`,
      );
  }
  yield Buffer.concat(begun);
}

function lineEnd(block: Buffer, start: number, end: number): number {
  const at = block.indexOf(LINE_FEED, start);
  return at < end ? at : -1;
}
