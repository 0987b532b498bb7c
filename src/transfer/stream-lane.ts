/**
 * A lane over a byte stream of the mesh. The stream has no back-pressure when read, so what may come is what was asked for,
 * and a part is asked for only when a block is free to take it: that bounds what a peer can make us hold, and is the
 * window too. What the peer controls: every byte; one that was not asked for ends the lane. Spec: 10-transfer.md §9.
 */
import type { ByteRange } from '../content/index.ts';
import type { PieceRoot, Sha256 } from '../core/index.ts';
import {
  type BlobStreamHead,
  type BlobStreamRequest,
  encodeBlobStreamFrame,
  ProtocolError,
  parseBlobStreamHead,
  SmallFrame,
} from '../protocol/index.ts';
import { Blocks } from './blocks.ts';
import type { ByteStream } from './byte-stream.ts';
import { TransferError, type TransferErrorCode, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { Lane, ReceiveBytes } from './ports.ts';

export interface StreamContent {
  readonly want: 'bytes' | 'pieces';
  readonly sha256: Sha256;
  /** Of the whole blob, or of its whole piece list, as it must be. */
  readonly sizeBytes: number;
  /** The list whose pieces have this root. */
  readonly root?: PieceRoot;
}

interface Read extends ByteRange {
  readonly receive: ReceiveBytes;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Asked for up to here. */
  asked: number;
  /** Taken by the receiver up to here, in any order. */
  taken: number;
}

/** A part that was asked for. */
interface Part extends ByteRange {
  readonly read: Read;
  readonly block: Buffer;
  isAnswered: boolean;
  filled: number;
}

export class StreamLane implements Lane {
  readonly depth = TRANSFER_LIMITS.streamDepth;
  readonly #stream: ByteStream;
  readonly #content: StreamContent;
  readonly #blocks = new Blocks(TRANSFER_LIMITS.streamBlocks);
  readonly #frame = new SmallFrame();
  /** Not asked for to their end, oldest first. */
  readonly #waiting: Read[] = [];
  readonly #parts: Part[] = [];
  readonly #reads = new Set<Read>();
  #closedBy: unknown;

  constructor(stream: ByteStream, content: StreamContent) {
    this.#stream = stream;
    this.#content = content;
    stream.receive({
      bytes: (chunk) => this.#onBytes(chunk),
      ended: (error) => this.#fail(endedEarly(error)),
    });
  }

  read({ start, end }: ByteRange, receive: ReceiveBytes, signal: AbortSignal): Promise<void> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const read: Read = { start, end, receive, resolve, reject, asked: start, taken: start };
    this.#reads.add(read);
    this.#waiting.push(read);
    const onAbort = (): void => this.#fail(new TransferError('cancelled', 'Reading from a peer: cancelled'));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else this.#ask();
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  close(): void {
    this.#fail(new TransferError('cancelled', 'Reading from a peer: the lane was closed'));
  }

  /** As many parts as there are free blocks. */
  #ask(): void {
    for (let read = this.#waiting[0]; read !== undefined; read = this.#waiting[0]) {
      const block = this.#closedBy === undefined ? this.#blocks.take() : undefined;
      if (block === undefined) return;
      const start = read.asked;
      const end = Math.min((Math.floor(start / PART_BYTES) + 1) * PART_BYTES, read.end);
      read.asked = end;
      if (end === read.end) this.#waiting.shift();
      this.#parts.push({ read, start, end, block, isAnswered: false, filled: 0 });
      const { want, sha256, root } = this.#content;
      this.#send({ want, sha256, start, end, ...(root === undefined ? {} : { root }) });
    }
  }

  #send(request: BlobStreamRequest): void {
    const sent = this.#stream.send(encodeBlobStreamFrame(request));
    sent?.catch((error: unknown) => this.#fail(toTransferError(error, 'Asking a peer for bytes')));
  }

  #onBytes(chunk: Uint8Array): void {
    try {
      let rest = chunk;
      while (rest.length > 0 && this.#closedBy === undefined) rest = rest.subarray(this.#take(rest));
    } catch (error) {
      this.#fail(error instanceof ProtocolError ? badResponse(error.message) : error);
    }
  }

  /** Returns how many bytes it used. */
  #take(chunk: Uint8Array): number {
    const part = this.#parts[0];
    if (part === undefined) throw badResponse('bytes that nobody asked for');
    if (!part.isAnswered) {
      const { used, value } = this.#frame.push(chunk);
      if (value !== undefined) this.#onHead(part, parseBlobStreamHead(value));
      return used;
    }
    const count = Math.min(chunk.length, part.end - part.start - part.filled);
    part.block.set(chunk.subarray(0, count), part.filled);
    part.filled += count;
    if (part.start + part.filled === part.end) this.#passOn(part);
    return count;
  }

  #onHead(part: Part, head: BlobStreamHead): void {
    if ('error' in head) throw errorOfHead(head);
    const { sizeBytes } = this.#content;
    const isExact = 'size' in head && head.size === sizeBytes && head.length === part.end - part.start;
    if (!isExact)
      throw badResponse(`${JSON.stringify(head).slice(0, 80)}, wanted ${part.end - part.start} of ${sizeBytes}`);
    part.isAnswered = true;
  }

  #passOn({ read, block, filled }: Part): void {
    this.#parts.shift();
    const done = (): void => {
      this.#blocks.give(block);
      read.taken += filled;
      if (read.taken === read.end) this.#finish(read);
      this.#ask();
    };
    let taken: void | Promise<void>;
    try {
      taken = read.receive(block.subarray(0, filled));
    } catch (error) {
      this.#blocks.give(block);
      throw error;
    }
    if (taken === undefined) done();
    else this.#doneAfter(taken, block, done);
  }

  #doneAfter(taken: Promise<void>, block: Buffer, done: () => void): void {
    taken.then(done, (error: unknown) => {
      this.#blocks.give(block);
      this.#fail(error);
    });
  }

  #finish(read: Read): void {
    this.#reads.delete(read);
    read.resolve();
  }

  /** Blocks that nobody reads go back at once: what still arrives is not written into them any more. */
  #fail(error: unknown): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = error;
    this.#stream.abort(error instanceof Error ? error : new Error('the lane failed'));
    for (const { block } of this.#parts.splice(0)) this.#blocks.give(block);
    this.#blocks.close();
    this.#waiting.length = 0;
    for (const read of this.#reads) read.reject(error);
    this.#reads.clear();
  }
}

const PART_BYTES = TRANSFER_LIMITS.blockBytes;

const CODE_OF_WORD: Readonly<Record<string, TransferErrorCode>> = {
  refused: 'refused',
  not_permitted: 'not_permitted',
  not_held: 'not_held',
  not_held_yet: 'not_held_yet',
  busy: 'peer_busy',
};

export function errorOfHead(head: Extract<BlobStreamHead, { error: unknown }>): TransferError {
  const code = CODE_OF_WORD[head.error] ?? 'bad_response';
  const retryAfterMs = head.retry_after_s === undefined ? {} : { retryAfterMs: head.retry_after_s * 1000 };
  return new TransferError(code, `Asking a peer for bytes: ${head.error}`, retryAfterMs);
}

function endedEarly(cause: Error | undefined): TransferError {
  const why = cause === undefined ? 'it ended the stream' : cause.message;
  return new TransferError('peer_unreachable', `Reading from a peer: ${why}`, { cause });
}

function badResponse(what: string): TransferError {
  return new TransferError('bad_response', `Reading a peer's answer: ${what}`);
}
