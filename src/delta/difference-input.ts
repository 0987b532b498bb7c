/** The bytes of a difference in order, from a file or as they come. Spec: docs/spec/22-differences.md §1. */
import { type ByteSource, readFully } from './byte-source.ts';
import { DeltaError } from './errors.ts';
import { type DifferenceHeader, HEADER_BYTES, parseHeader } from './header.ts';
import { DELTA_LIMITS } from './limits.ts';
import { OPERATION_BYTES, type Operation, parseOperation } from './operation.ts';

export type DifferenceBytes = ByteSource | AsyncIterable<Uint8Array>;

export class DifferenceInput implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #small = Buffer.alloc(HEADER_BYTES);
  #chunk: Uint8Array = new Uint8Array();
  #hasEnded = false;

  constructor(bytes: DifferenceBytes) {
    this.#chunks = Symbol.asyncIterator in bytes ? bytes[Symbol.asyncIterator]() : chunksOf(bytes);
  }

  async header(): Promise<DifferenceHeader> {
    await this.fill(this.#small);
    return parseHeader(this.#small);
  }

  async operation(): Promise<Operation> {
    const bytes = this.#small.subarray(0, OPERATION_BYTES);
    await this.fill(bytes);
    return parseOperation(bytes);
  }

  /** Throws `truncated_difference`. */
  async fill(buffer: Uint8Array): Promise<void> {
    let done = 0;
    while (done < buffer.length) {
      if (!(await this.#hasMore()))
        throw new DeltaError('truncated_difference', `Reading a difference: ${done} bytes, wanted ${buffer.length}`);
      const part = this.#chunk.subarray(0, buffer.length - done);
      buffer.set(part, done);
      this.#chunk = this.#chunk.subarray(part.length);
      done += part.length;
    }
  }

  /** Throws `bad_operation` where something follows. */
  async expectEnd(): Promise<void> {
    if (await this.#hasMore())
      throw new DeltaError('bad_operation', 'Reading a difference: bytes follow the end operation');
  }

  /** Whoever sends the bytes may stop. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.#chunks.return?.();
  }

  async #hasMore(): Promise<boolean> {
    while (this.#chunk.length === 0 && !this.#hasEnded) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#hasEnded = true;
      else this.#chunk = next.value;
    }
    return this.#chunk.length > 0;
  }
}

/** Each chunk is valid until the next is asked for. */
async function* chunksOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(DELTA_LIMITS.inputBytes, source.sizeBytes));
  for (let at = 0; at < source.sizeBytes; at += buffer.length) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, source.sizeBytes - at));
    await readFully(source, chunk, at);
    yield chunk;
  }
}

/** What a difference leads from and to, from its first 96 bytes. Throws DeltaError. */
export async function readDifferenceHeader(bytes: DifferenceBytes): Promise<DifferenceHeader> {
  await using input = new DifferenceInput(bytes);
  return await input.header();
}
