/**
 * One HTTP/1.1 connection, read into a few buffers that are used over and over. Requests may be sent ahead: the answers
 * come one after the other, in the order asked. What the peer controls: every byte after our request. It can make us hold
 * one block per buffer and nothing more; a byte that was not asked for ends the connection. A lane that has failed or was
 * closed stays so, and everything asked of it has failed with it.
 * Spec: docs/spec/10-transfer.md §3.
 */
import type { Socket } from 'node:net';
import { systemClock } from '../core/index.ts';
import { Blocks } from './blocks.ts';
import { openSocket, type Target } from './connect.ts';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { ReceiveBytes } from './ports.ts';
import { errorOfStatus, parseResponseHead, type ResponseHead, refusalBodyBytes } from './response-head.ts';

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
  /** Of the connection's opening: a round trip, or two with TLS. */
  roundTripMs = 0;
  /** Heads and bodies, as they come. */
  arrivedBytes = 0;
  readonly #blocks = new Blocks();
  #socket: Socket | undefined;
  #closedBy: TransferError | undefined;
  /** In the order asked; the first is being answered. */
  readonly #queue: Running[] = [];
  #inHead = true;
  /** With what was asked for, once at least. */
  #hasAnswered = false;
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
    const startedAtMs = systemClock.monotonicMs();
    const onread = { buffer: () => lane.#nextBuffer(), callback: (count: number) => lane.#onRead(count) };
    // The types know a fixed buffer only; a function that yields the next one is documented as well.
    lane.#socket = await openSocket(target, onread as never, signal);
    lane.roundTripMs = (systemClock.monotonicMs() - startedAtMs) / (target.tls === undefined ? 1 : 2);
    lane.#socket.on('error', (error) => lane.#fail(toTransferError(error, 'Reading from a peer')));
    lane.#socket.on('end', () => lane.#fail(closedEarly()));
    lane.#socket.on('close', () => lane.#onClosed());
    if (lane.#socket.destroyed) lane.#fail(closedEarly());
    return lane;
  }

  /** Sends a request and streams its body when its turn comes. Throws TransferError, or what `receive` threw. */
  exchange(exchange: HttpExchange, signal: AbortSignal): Promise<void> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ ...exchange, resolve, reject });
    if (this.#queue.length === 1) this.#beginAnswer();
    const onAbort = (): void => this.#fail(new TransferError('cancelled', 'Reading from a peer: cancelled'));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else this.#socket?.write(exchange.request);
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** False for ever when it has failed or was closed. */
  get isUsable(): boolean {
    return this.#closedBy === undefined;
  }

  close(): void {
    this.#fail(new TransferError('cancelled', 'Reading from a peer: the lane was closed'));
  }

  #beginAnswer(): void {
    this.#inHead = true;
    this.#position = this.#queue[0]?.start ?? 0;
  }

  /**
   * Where the next bytes go: never past the block's end in the blob, one byte past the last range's to notice too many.
   * Asked for when a read has been taken, not when the next begins: what was asked of the peer since may be in that byte.
   */
  #nextBuffer(): Buffer {
    const running = this.#queue[0];
    if (running === undefined || this.#inHead) return this.#block.subarray(this.#fill, this.#fill + HEAD_READ_BYTES);
    const spare = this.#queue.length === 1 && this.#blockEnd(running) === running.end ? 1 : 0;
    return this.#block.subarray(this.#fill, this.#bodyAt + this.#blockEnd(running) - this.#position + spare);
  }

  #blockEnd(running: Running): number {
    const size = TRANSFER_LIMITS.blockBytes;
    return Math.min((Math.floor(this.#position / size) + 1) * size, running.end);
  }

  /** False stops the socket from reading until a block is free. */
  #onRead(count: number): boolean {
    try {
      this.arrivedBytes += count;
      this.#fill += count;
      while (this.#closedBy === undefined && this.#fill > 0 && this.#takeBytes());
      return this.#closedBy === undefined && !this.#blocks.isEmpty;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** False when more has to come first. */
  #takeBytes(): boolean {
    const running = this.#queue[0];
    if (running === undefined) throw badResponse('bytes that nobody asked for');
    if (this.#inHead) return this.#readHead(running);
    const wanted = this.#blockEnd(running) - this.#position;
    if (this.#fill - this.#bodyAt < wanted) return false;
    this.#passOn(running, wanted);
    return true;
  }

  #readHead(running: Running): boolean {
    const end = this.#block.subarray(0, this.#fill).indexOf(HEAD_END);
    if (end < 0 && this.#fill + HEAD_READ_BYTES > TRANSFER_LIMITS.maxHeadBytes) throw badResponse('an endless head');
    if (end < 0) return false;
    const head = parseResponseHead(this.#block.toString('latin1', 0, end));
    const refusalBytes = refusalBodyBytes(head);
    if (refusalBytes !== undefined) return this.#readRefusal(running, head, end + HEAD_END.length + refusalBytes);
    if (head.status === 400 && this.#hasAnswered) throw lostCount();
    running.verifyHead(head);
    this.#inHead = false;
    this.#hasAnswered = true;
    this.#bodyAt = end + HEAD_END.length;
    return true;
  }

  /** Of one request: those behind it go on. Its body comes in as heads do, and is dropped. */
  #readRefusal(running: Running, head: ResponseHead, end: number): boolean {
    if (this.#fill < end) return false;
    const rest = this.#block.subarray(end, this.#fill);
    if (rest.length > 0 && this.#queue.length === 1) throw badResponse('more bytes than were asked for');
    this.#moveUp(rest, false);
    this.#queue.shift();
    this.#beginAnswer();
    running.reject(errorOfStatus(head));
    return true;
  }

  #passOn(running: Running, count: number): void {
    const end = this.#bodyAt + count;
    const rest = this.#block.subarray(end, this.#fill);
    const isLastBytes = this.#position + count === running.end;
    if (isLastBytes && rest.length > 0 && this.#queue.length === 1) throw badResponse('more bytes than were asked for');
    // Only of what came together with a head is there more to pass on than a block a read.
    const taken = this.#blocks.isEmpty ? this.#lendCopy(running, end) : this.#lendBlock(running, end);
    if (this.#closedBy !== undefined) return;
    this.#moveUp(rest, taken);
    this.#position += count;
    if (isLastBytes) this.#finish(running);
  }

  /** True when the block is not ours before the receiver is done with it. */
  #lendBlock(running: Running, end: number): boolean {
    const block = this.#block;
    this.#isLent = true;
    const taken = running.receive(block.subarray(this.#bodyAt, end));
    if (taken !== undefined) this.#giveBackAfter(taken, block);
    if (this.#closedBy === undefined || taken === undefined) this.#isLent = false;
    return taken !== undefined;
  }

  #lendCopy(running: Running, end: number): boolean {
    const copy = Buffer.from(new SharedArrayBuffer(end - this.#bodyAt));
    this.#block.copy(copy, 0, this.#bodyAt, end);
    running.receive(copy)?.catch((error: unknown) => this.#fail(error));
    return false;
  }

  /** What came behind the bytes passed on goes to the front. */
  #moveUp(rest: Buffer, isBlockGone: boolean): void {
    const block = isBlockGone ? this.#takeBlock() : this.#block;
    rest.copy(block);
    this.#block = block;
    this.#bodyAt = 0;
    this.#fill = rest.length;
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
    this.#queue.shift();
    this.#beginAnswer();
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
    const failed = this.#queue.splice(0);
    this.#socket?.destroy();
    for (const [place, running] of failed.entries()) running.reject(place === 0 ? error : this.#closedBy);
  }
}

function closedEarly(): TransferError {
  return new TransferError('peer_unreachable', 'Reading from a peer: it closed the connection');
}

/** It has taken requests like this one: what it did not understand is the connection. */
function lostCount(): TransferError {
  const message = 'Asking a peer for bytes: status 400 on a connection that it has answered before';
  return new TransferError('peer_unreachable', message, { data: { status: 400 } });
}

function badResponse(what: string): TransferError {
  return new TransferError('bad_response', `Reading a peer's answer: ${what}`);
}
