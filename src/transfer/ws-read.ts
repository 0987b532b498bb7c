/**
 * One range of a lane over a WebSocket: which chunk is next, what was let go of, what is acknowledged. No I/O.
 * What the peer controls: every field of its messages; a start or chunk other than asked for throws.
 * Spec: docs/spec/14-websocket.md §2, §5.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { ByteRange } from '../content/index.ts';
import { MiB, type Sha256 } from '../core/index.ts';
import type { TransferStart } from '../protocol/index.ts';
import { TransferError } from './errors.ts';
import type { ReceiveBytes } from './ports.ts';

export interface WantedContent {
  readonly sha256: Sha256;
  /** Of all bytes that the request is about, as it must be. */
  readonly sizeBytes: number;
}

export interface ArrivedChunk {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly sha256?: Sha256 | undefined;
}

interface PassedChunk {
  readonly start: number;
  readonly end: number;
  isLetGo: boolean;
}

export class WsRead {
  readonly id = randomUUID();
  readonly range: ByteRange;
  readonly receive: ReceiveBytes;
  readonly #wanted: WantedContent;
  #start: TransferStart | undefined;
  #next = 0;
  /** Everything before it was let go of. */
  #letGo = 0;
  /** Arrived before the reads in front of this one were over. */
  readonly held: ArrivedChunk[] = [];
  readonly #passed: PassedChunk[] = [];
  isAsked = false;

  constructor(range: ByteRange, receive: ReceiveBytes, wanted: WantedContent) {
    this.range = range;
    this.receive = receive;
    this.#wanted = wanted;
  }

  get isBinary(): boolean {
    return this.#start?.form === 'binary';
  }

  get bytesLeft(): number {
    return this.range.end - Math.max(this.range.start, this.#next);
  }

  /** Every byte of the range has arrived. */
  get isReceived(): boolean {
    return this.#start !== undefined && this.#next >= this.range.end;
  }

  /** And was let go of. */
  get isOver(): boolean {
    return this.isReceived && this.#passed.length === 0 && this.held.length === 0;
  }

  /** The sender does not stop at the end of the range by itself. */
  get goesOn(): boolean {
    return this.#start !== undefined && this.#start.end_byte === undefined && this.#next < this.#start.total_bytes;
  }

  onStart(start: TransferStart): void {
    const { sha256, sizeBytes } = this.#wanted;
    if (this.#start !== undefined) throw badResponse('a second start');
    if (start.total_bytes !== sizeBytes) throw badResponse(`total_bytes ${start.total_bytes}, wanted ${sizeBytes}`);
    if (start.sha256 !== sha256) throw badResponse(`sha256 ${start.sha256}, wanted ${sha256}`);
    const { end_byte: end = this.range.end, resume_from_byte: from = this.range.start } = start;
    if (end !== this.range.end || from !== this.range.start)
      throw badResponse(`a range ${from}-${end}, wanted ${this.range.start}-${this.range.end}`);
    this.#start = start;
    this.#next = Math.floor(this.range.start / start.chunk_size) * start.chunk_size;
    this.#letGo = this.#next;
  }

  /** Where a JSON chunk lies. */
  offsetOf(index: number, totalChunks: number): number {
    const start = this.#started();
    if (start.form !== 'json' || totalChunks !== start.total_chunks) throw badResponse('a chunk of another transfer');
    return index * start.chunk_size;
  }

  /** True when it is the next one; false for one that came before. */
  admit({ offset, bytes, sha256 }: ArrivedChunk): boolean {
    const { chunk_size, total_bytes } = this.#started();
    if (offset < this.#next && offset % chunk_size === 0) return false;
    const isWanted = offset === this.#next && offset < this.range.end;
    if (!isWanted) throw badResponse(`a chunk at ${offset}, wanted ${this.#next} of ${this.range.end}`);
    const length = Math.min(chunk_size, total_bytes - offset);
    if (bytes.length !== length) throw badResponse(`a chunk of ${bytes.length} bytes, wanted ${length}`);
    if (sha256 !== undefined && sha256 !== createHash('sha256').update(bytes).digest('hex'))
      throw new TransferError('bad_piece', `Reading a chunk at ${offset}: it is not what its own digest says`);
    this.#next = offset + length;
    return true;
  }

  /** Hands the part of a chunk that was wanted to the receiver. Resolves when all of it is let go of. */
  passOn({ offset, bytes }: ArrivedChunk): {
    readonly chunk: PassedChunk;
    readonly letGo: Promise<unknown> | undefined;
  } {
    const chunk = { start: offset, end: offset + bytes.length, isLetGo: false };
    this.#passed.push(chunk);
    const end = Math.min(chunk.end, this.range.end);
    const waiting: Promise<void>[] = [];
    for (let at = Math.max(offset, this.range.start); at < end; ) {
      const to = Math.min(end, (Math.floor(at / MiB) + 1) * MiB);
      const taken = this.receive(bytes.subarray(at - offset, to - offset));
      if (taken !== undefined) waiting.push(taken);
      at = to;
    }
    return { chunk, letGo: waiting.length === 0 ? undefined : Promise.all(waiting) };
  }

  /** Returns the chunks that can be acknowledged now, in order. */
  letGo(chunk: PassedChunk): readonly PassedChunk[] {
    chunk.isLetGo = true;
    const count = this.#passed.findIndex((one) => !one.isLetGo);
    const gone = this.#passed.splice(0, count < 0 ? this.#passed.length : count);
    this.#letGo = gone.at(-1)?.end ?? this.#letGo;
    return gone;
  }

  wasLetGo(offset: number): boolean {
    return offset < this.#letGo;
  }

  indexOf(offset: number): number {
    return Math.floor(offset / this.#started().chunk_size);
  }

  get acknowledged(): number {
    return this.#letGo;
  }

  #started(): TransferStart {
    if (this.#start === undefined) throw badResponse('a chunk before the start');
    return this.#start;
  }
}

export function badResponse(what: string): TransferError {
  return new TransferError('bad_response', `Reading a peer's answer: ${what}`);
}
