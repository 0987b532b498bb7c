/**
 * A lane over one WebSocket. Reads are answered in order; the next is asked for when little is left of those before. What
 * was not let go of is not acknowledged, so the sender's window and `wsHeldBytes` bound what is held.
 * What the peer controls: every message. One that was not asked for ends the lane. Spec: docs/spec/14-websocket.md §5.
 */
import type { RawData, WebSocket } from 'ws';
import type { ByteRange } from '../content/index.ts';
import type { Clock, ModelId } from '../core/index.ts';
import {
  encodeAckFrame,
  encodeTransferMessage,
  type OutgoingTransferMessage,
  ProtocolError,
  parseTransferFrame,
  parseTransferMessage,
  type TransferStart,
  transferTypeOf,
} from '../protocol/index.ts';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { Lane, ReceiveBytes } from './ports.ts';
import { errorOfCancel, reasonOfError } from './ws-cancel.ts';
import { type ArrivedChunk, badResponse, type WantedContent, WsRead } from './ws-read.ts';

export interface WsLaneOptions {
  readonly wanted: WantedContent;
  readonly modelId: ModelId;
  readonly target: string;
  readonly requester: string;
  readonly clock: Clock;
  /** Fields of ours; none for a peer that knows the public messages only. */
  readonly more: Pick<Extract<OutgoingTransferMessage, { type: 'model_request' }>, 'sha256' | 'content' | 'forms'>;
}

interface Waiter {
  readonly read: WsRead;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WsLane implements Lane {
  readonly depth = TRANSFER_LIMITS.wsDepth;
  readonly #socket: WebSocket;
  readonly #options: WsLaneOptions;
  /** Oldest first; the first one's bytes are passed on. */
  readonly #queue: Waiter[] = [];
  /** Reads that are over, or cancelled where we had enough, the newest last: bytes that may still come of each. */
  readonly #late = new Map<string, number>();
  /** Those of them that came to their end: of these only repeated chunks may come. */
  readonly #over = new Map<string, WsRead>();
  #heldBytes = 0;
  #heardAtMs = 0;
  #cancelTimer: (() => void) | undefined;
  #closedBy: TransferError | undefined;

  constructor(socket: WebSocket, options: WsLaneOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('error', (cause) => this.#fail(toTransferError(cause, 'Reading from a peer')));
    socket.on('close', () => this.#fail(closedEarly()));
    if (socket.readyState !== socket.OPEN) this.#fail(closedEarly());
  }

  read(range: ByteRange, receive: ReceiveBytes, signal: AbortSignal): Promise<void> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ read: new WsRead(range, receive, this.#options.wanted), resolve, reject });
    const onAbort = (): void => this.#fail(new TransferError('cancelled', 'Reading from a peer: cancelled'));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else this.#askAhead();
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  close(): void {
    this.#fail(new TransferError('cancelled', 'Reading from a peer: the lane was closed'));
  }

  #askAhead(): void {
    let left = 0;
    for (const { read } of this.#queue) {
      if (left > TRANSFER_LIMITS.wsAskAheadBytes) return;
      if (!read.isAsked) this.#ask(read);
      left += read.bytesLeft;
    }
  }

  #ask(read: WsRead): void {
    const { modelId, target, requester, more, clock } = this.#options;
    const { start, end } = read.range;
    read.isAsked = true;
    this.#heardAtMs = clock.monotonicMs();
    this.#watchSilence();
    this.#say({
      ...{ type: 'model_request', request_id: read.id, requester_node_id: requester, target_node_id: target },
      ...{ model_id: modelId, resume_from_byte: start, transport: 'websocket' },
      ...(more.sha256 === undefined ? {} : { ...more, end_byte: end }),
    });
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.#closedBy !== undefined) return;
    try {
      if (isBinary) this.#onFrame(data as Buffer);
      else this.#onText((data as Buffer).toString());
    } catch (error) {
      const isMalformed = error instanceof ProtocolError || error instanceof SyntaxError;
      this.#fail(isMalformed ? badResponse(error.message) : error);
    }
  }

  #onFrame(message: Buffer): void {
    const frame = parseTransferFrame(message);
    const waiter = this.#waiterOf(frame.requestId, message.length);
    const read = waiter?.read ?? this.#over.get(frame.requestId);
    if (read === undefined) return;
    if (frame.kind === 'ack' || !read.isBinary) throw badResponse('a frame that nobody asked for');
    if (waiter === undefined) read.admit(frame);
    else this.#onChunk(waiter, frame);
  }

  #onText(text: string): void {
    const value: unknown = JSON.parse(text);
    if (transferTypeOf(value) === undefined) return;
    const message = parseTransferMessage(value);
    const waiter = this.#waiterOf(message.request_id, text.length);
    if (waiter !== undefined && message.type === 'model_transfer_start') this.#onStart(waiter, message);
    if (waiter !== undefined && message.type === 'model_transfer_cancel') throw errorOfCancel(message);
    const read = waiter?.read ?? this.#over.get(message.request_id);
    if (message.type !== 'model_transfer_chunk' || read === undefined) return;
    const { chunk_index, total_chunks, chunk_bytes: bytes, chunk_sha256: sha256 } = message;
    const chunk = { offset: read.offsetOf(chunk_index, total_chunks), bytes, sha256 };
    if (waiter === undefined) read.admit(chunk);
    else this.#onChunk(waiter, chunk);
  }

  #onStart(waiter: Waiter, start: TransferStart): void {
    waiter.read.onStart(start);
    // An empty blob has no chunk.
    if (waiter.read.isOver && waiter === this.#queue[0]) this.#finish(waiter);
  }

  /** Undefined for what may still come of a request that was cut short. */
  #waiterOf(requestId: string, sizeBytes: number): Waiter | undefined {
    const waiter = this.#queue.find(({ read }) => read.id === requestId);
    if (waiter !== undefined && !this.#late.has(requestId)) {
      this.#heardAtMs = this.#options.clock.monotonicMs();
      return waiter;
    }
    const left = (this.#late.get(requestId) ?? 0) - sizeBytes;
    if (left < 0) throw badResponse('bytes that nobody asked for');
    this.#late.set(requestId, left);
    return undefined;
  }

  #onChunk(waiter: Waiter, chunk: ArrivedChunk): void {
    const { read } = waiter;
    if (!read.admit(chunk)) {
      if (read.wasLetGo(chunk.offset)) this.#acknowledge(read, [chunk.offset]);
      return;
    }
    this.#hold(chunk.bytes.length);
    if (read.isReceived) this.#stopSender(read);
    if (waiter === this.#queue[0]) this.#passOn(waiter, chunk);
    else read.held.push(chunk);
    this.#askAhead();
  }

  #passOn(waiter: Waiter, arrived: ArrivedChunk): void {
    const { chunk, letGo } = waiter.read.passOn(arrived);
    const done = (): void => {
      if (this.#closedBy !== undefined) return;
      this.#hold(-arrived.bytes.length);
      const gone = waiter.read.letGo(chunk).map(({ start }) => start);
      if (gone.length > 0) this.#acknowledge(waiter.read, gone);
      if (waiter.read.isOver) this.#finish(waiter);
    };
    if (letGo === undefined) done();
    else letGo.then(done, (error: unknown) => this.#fail(error));
  }

  /** The reads behind were answered while they waited. */
  #finish(waiter: Waiter): void {
    this.#queue.shift();
    waiter.resolve();
    this.#sayVerdict(waiter.read);
    // A chunk whose acknowledgement was long on its way comes again.
    if (!waiter.read.goesOn) this.#over.set(waiter.read.id, waiter.read);
    this.#allowLate(waiter.read);
    const next = this.#queue[0];
    if (next === undefined) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      return;
    }
    for (let chunk = next.read.held.shift(); chunk !== undefined; chunk = next.read.held.shift()) {
      this.#passOn(next, chunk);
      if (this.#closedBy !== undefined) return;
    }
    this.#askAhead();
  }

  #acknowledge(read: WsRead, offsets: readonly number[]): void {
    if (read.isBinary) {
      this.#socket.send(encodeAckFrame(read.id, read.acknowledged));
      return;
    }
    for (const offset of offsets) {
      const chunk_index = read.indexOf(offset);
      this.#say({ type: 'model_transfer_chunk_ack', request_id: read.id, chunk_index, status: 'received' });
    }
  }

  #stopSender(read: WsRead): void {
    if (!read.goesOn) return;
    this.#allowLate(read);
    this.#sayCancel(read, 'user_cancelled', 'The bytes that were wanted are here');
  }

  #allowLate({ id }: WsRead): void {
    if (!this.#late.has(id)) this.#late.set(id, TRANSFER_LIMITS.wsLateBytes);
    const [oldest = ''] = this.#late.keys();
    if (this.#late.size <= TRANSFER_LIMITS.wsLateReads) return;
    this.#late.delete(oldest);
    this.#over.delete(oldest);
  }

  /** The bytes are judged by the download, later. Until then a relay, and some senders, would hold a place. */
  #sayVerdict(read: WsRead): void {
    if (read.goesOn) return;
    const { modelId, wanted } = this.#options;
    const about = { type: 'model_transfer_complete', request_id: read.id, model_id: modelId } as const;
    const total_bytes_received = read.range.end - read.range.start;
    this.#say({ ...about, total_bytes_received, sha256_expected: wanted.sha256, verification_status: 'pending' });
  }

  #sayCancel(read: WsRead, reason: 'user_cancelled' | ReturnType<typeof reasonOfError>, message: string): void {
    const { modelId, requester } = this.#options;
    const about = { type: 'model_transfer_cancel', request_id: read.id, model_id: modelId } as const;
    this.#say({ ...about, reason, message, cancelled_by: requester });
  }

  #say(message: OutgoingTransferMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeTransferMessage(message));
  }

  #hold(change: number): void {
    this.#heldBytes += change;
    if (this.#heldBytes > TRANSFER_LIMITS.wsHeldBytes) this.#socket.pause();
    else if (this.#socket.isPaused) this.#socket.resume();
  }

  /** Our own slowness is not the peer's silence. */
  #watchSilence(): void {
    if (this.#cancelTimer !== undefined) return;
    const { clock } = this.#options;
    const dueMs = this.#heardAtMs + TRANSFER_LIMITS.wsSilenceMs;
    this.#cancelTimer = clock.after(Math.max(0, dueMs - clock.monotonicMs()), () => {
      this.#cancelTimer = undefined;
      if (this.#heldBytes > 0) this.#heardAtMs = clock.monotonicMs();
      const isSilent = clock.monotonicMs() - this.#heardAtMs >= TRANSFER_LIMITS.wsSilenceMs;
      if (isSilent) this.#fail(new TransferError('peer_stalled', 'Reading from a peer: silence'));
      else if (this.#queue.length > 0) this.#watchSilence();
    });
  }

  #fail(error: unknown): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = toTransferError(error, 'Reading from a peer');
    this.#cancelTimer?.();
    const { code, message } = this.#closedBy;
    for (const { read, reject } of this.#queue.splice(0)) {
      if (read.isAsked) this.#sayCancel(read, reasonOfError(code), message);
      reject(error);
    }
    this.#socket.terminate();
  }
}

function closedEarly(): TransferError {
  return new TransferError('peer_unreachable', 'Reading from a peer: it closed the WebSocket');
}
