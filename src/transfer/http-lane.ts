/**
 * One HTTP/1.1 connection, one request at a time, read into a few buffers that are used over and over.
 * What the peer controls: every byte after our request. It can make us hold one block per buffer and nothing more; a
 * byte that was not asked for ends the connection. A lane that has failed or was closed stays so.
 * Spec: docs/spec/10-transfer.md §3.
 */
import type { Socket } from 'node:net';
import { Blocks } from './blocks.ts';
import { openSocket, type Target } from './connect.ts';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { ReceiveBytes } from './ports.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

export interface HttpExchange {
  /** The whole request head, closing empty line and all. */
  readonly request: string;
  /** Throws unless the body will be the bytes [start, end). */
  readonly verifyHead: (head: ResponseHead) => void;
  readonly start: number;
  readonly end: number;
  readonly receive: ReceiveBytes;
}

interface Running extends HttpExchange {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const HEAD_READ_BYTES = 4096;
const HEAD_END = '\r\n\r\n';

export class HttpLane {
  readonly #blocks = new Blocks();
  #socket: Socket | undefined;
  #closedBy: TransferError | undefined;
  #running: Running | undefined;
  #inHead = true;
  /** The block being filled; body bytes of it are [bodyAt, fill). */
  #block: Buffer;
  /** The block is in the receiver's hands. */
  #isLent = false;
  #bodyAt = 0;
  #fill = 0;
  /** Where in the blob the byte at `bodyAt` belongs. */
  #position = 0;

  private constructor() {
    this.#block = this.#takeBlock();
  }

  static async open(target: Target, signal: AbortSignal): Promise<HttpLane> {
    const lane = new HttpLane();
    const onread = { buffer: () => lane.#nextBuffer(), callback: (count: number) => lane.#onRead(count) };
    // The types know a fixed buffer only; a function that yields the next one is documented as well.
    lane.#socket = await openSocket(target, onread as never, signal);
    lane.#socket.on('error', (error) => lane.#fail(toTransferError(error, 'Reading from a peer')));
    lane.#socket.on('end', () => lane.#fail(closedEarly()));
    lane.#socket.on('close', () => lane.#onClosed());
    if (lane.#socket.destroyed) lane.#fail(closedEarly());
    return lane;
  }

  /** Sends a request and streams its body. Throws TransferError, or what `receive` threw. */
  exchange(exchange: HttpExchange, signal: AbortSignal): Promise<void> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (this.#running !== undefined) throw new Error('a lane carries one request at a time');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#running = { ...exchange, resolve, reject };
    this.#inHead = true;
    this.#fill = 0;
    this.#position = exchange.start;
    const onAbort = (): void => this.#fail(new TransferError('cancelled', 'Reading from a peer: cancelled'));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else this.#socket?.write(exchange.request);
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  close(): void {
    this.#fail(new TransferError('cancelled', 'Reading from a peer: the lane was closed'));
  }

  /** Where the next bytes go: never past the block's end in the blob, one byte past the range's to notice too many. */
  #nextBuffer(): Buffer {
    const running = this.#running;
    if (running === undefined || this.#inHead) return this.#block.subarray(this.#fill, this.#fill + HEAD_READ_BYTES);
    const spare = this.#blockEnd(running) === running.end ? 1 : 0;
    return this.#block.subarray(this.#fill, this.#bodyAt + this.#blockEnd(running) - this.#position + spare);
  }

  #blockEnd(running: Running): number {
    const size = TRANSFER_LIMITS.blockBytes;
    return Math.min((Math.floor(this.#position / size) + 1) * size, running.end);
  }

  /** False stops the socket from reading until a block is free. */
  #onRead(count: number): boolean {
    const running = this.#running;
    try {
      if (running === undefined) throw badResponse('bytes that nobody asked for');
      this.#fill += count;
      if (this.#inHead && !this.#readHead(running)) return true;
      return this.#readBody(running);
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  #readHead(running: Running): boolean {
    const end = this.#block.subarray(0, this.#fill).indexOf(HEAD_END);
    if (end < 0 && this.#fill + HEAD_READ_BYTES > TRANSFER_LIMITS.maxHeadBytes) throw badResponse('an endless head');
    if (end < 0) return false;
    running.verifyHead(parseResponseHead(this.#block.toString('latin1', 0, end)));
    this.#inHead = false;
    this.#bodyAt = end + HEAD_END.length;
    return true;
  }

  #readBody(running: Running): boolean {
    const wanted = this.#blockEnd(running) - this.#position;
    const got = this.#fill - this.#bodyAt;
    if (got > wanted) throw badResponse('more bytes than were asked for');
    if (got < wanted) return true;
    return this.#passOn(running, wanted);
  }

  #passOn(running: Running, count: number): boolean {
    this.#isLent = true;
    const taken = running.receive(this.#block.subarray(this.#bodyAt, this.#fill));
    if (taken !== undefined) this.#giveBackAfter(taken, this.#block);
    if (this.#closedBy !== undefined) return false;
    if (taken !== undefined) this.#block = this.#takeBlock();
    this.#isLent = false;
    this.#position += count;
    this.#bodyAt = 0;
    this.#fill = 0;
    if (this.#position === running.end) this.#finish(running);
    return !this.#blocks.isEmpty;
  }

  #giveBackAfter(until: Promise<void>, block: Buffer): void {
    const back = (): void => {
      this.#blocks.give(block);
      this.#socket?.resume();
    };
    until.then(back, (error) => {
      back();
      this.#fail(error);
    });
  }

  /** Reading is stopped whenever the last one is taken, so there always is one. */
  #takeBlock(): Buffer {
    const block = this.#blocks.take();
    if (block === undefined) throw new Error('a lane read without a free block');
    return block;
  }

  #finish(running: Running): void {
    this.#running = undefined;
    running.resolve();
  }

  /** Only now the socket puts nothing into the block any more. */
  #onClosed(): void {
    this.#fail(closedEarly());
    if (!this.#isLent) this.#blocks.give(this.#block);
    this.#blocks.close();
  }

  #fail(error: unknown): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = toTransferError(error, 'Reading from a peer');
    const running = this.#running;
    this.#running = undefined;
    this.#socket?.destroy();
    running?.reject(error);
  }
}

function closedEarly(): TransferError {
  return new TransferError('peer_unreachable', 'Reading from a peer: it closed the connection');
}

function badResponse(what: string): TransferError {
  return new TransferError('bad_response', `Reading a peer's answer: ${what}`);
}
