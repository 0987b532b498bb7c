/**
 * One WebSocket of `/mesh`, or of a link to a relay: reads messages, opens transfers, lets a relay have what is for others.
 * What the other end controls: every message, their order and how fast it reads. Owns its transfers and ends them with the
 * socket. Spec: docs/spec/14-websocket.md §1, §2.
 */
import type { RawData, WebSocket } from 'ws';
import { type Clock, type Logger, messageOf, type NodeId } from '../core/index.ts';
import {
  type CancelReason,
  encodeTransferMessage,
  type OutgoingTransferMessage,
  parseTransferFrame,
  parseTransferMessage,
  type TransferMessage,
  type TransferRequest,
  transferTypeOf,
} from '../protocol/index.ts';
import type { ServerLimits } from './limits.ts';
import type { HttpMetrics } from './metrics.ts';
import { notedBlob, type OnSending } from './noted-blob.ts';
import type { ServedContent, UploadGate, Viewer } from './ports.ts';
import type { StreamGate } from './stream-gate.ts';
import { cancelCodeOf, openRequested, type RequestedBytes } from './ws-content.ts';
import { type OutgoingEnd, OutgoingTransfer } from './ws-outgoing.ts';

/** A relay's side of this socket; `WsRelayHub` of relay gives it. */
export interface RelaySeat {
  /** True when the message belongs to two others and was taken care of. */
  forward(requestId: string, message: string | Buffer, type?: string): boolean;
  /** Passes on a request whose target is another node; the code of why not. */
  request(request: TransferRequest): string | undefined;
  leave(): void;
}

export interface SessionSurroundings {
  readonly content: ServedContent;
  readonly limits: ServerLimits;
  readonly metrics: HttpMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly streams: StreamGate;
  /** What a request's target must be, when it names one. */
  readonly nodeId?: NodeId | undefined;
  /** The rate at which this viewer is given bytes. */
  readonly gateFor: UploadGate;
  readonly onSending: OnSending;
}

export interface SessionEnd {
  readonly socket: WebSocket;
  readonly viewer: Viewer;
  readonly address: string;
  readonly seat?: RelaySeat | undefined;
  /** Opened by this node to a relay: many ask through it. */
  readonly isLink?: boolean;
}

interface CancelFacts {
  readonly reason: CancelReason;
  readonly message: string;
  readonly code?: string | undefined;
  readonly retryAfterS?: number | undefined;
}

const CLOSE = { goingAway: 1001, badData: 1007, idle: 1000 } as const;

export class WsSession {
  readonly #around: SessionSurroundings;
  readonly #end: SessionEnd;
  /** A place is taken as soon as a request is read; its transfer comes when the blob is open. */
  readonly #transfers = new Map<string, OutgoingTransfer | 'opening' | 'unwanted'>();
  #answerBytes = 0;
  #heardAtMs = 0;
  #cancelIdle: (() => void) | undefined;
  #isOver = false;

  constructor(around: SessionSurroundings, end: SessionEnd) {
    this.#around = around;
    this.#end = end;
    const { socket } = end;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('ping', () => this.#hear());
    socket.on('error', (cause) => around.logger.debug({ why: cause.message }, 'WebSocket broke'));
    socket.once('close', () => this.#stop());
    this.#hear();
  }

  /** Tells the other end that nothing more comes from here. */
  close(): void {
    for (const transfer of this.#transfers.values()) {
      if (typeof transfer === 'string') continue;
      transfer.stop({
        how: 'failed',
        reason: 'network_error',
        code: 'closing',
        message: 'Sending: the node is stopping',
      });
    }
    this.#end.socket.close(CLOSE.goingAway);
  }

  #stop(): void {
    this.#isOver = true;
    this.#cancelIdle?.();
    for (const transfer of this.#transfers.values())
      if (typeof transfer !== 'string') transfer.stop({ how: 'cancelled' });
    this.#transfers.clear();
    this.#end.seat?.leave();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#isOver) return;
    this.#hear();
    try {
      if (isBinary) this.#onFrame(data as Buffer);
      else this.#onText((data as Buffer).toString());
    } catch (thrown) {
      this.#around.logger.debug({ why: messageOf(thrown), viewer: this.#end.viewer.kind }, 'a message was not one');
      this.#end.socket.close(CLOSE.badData);
      this.#stop();
    }
  }

  #onFrame(message: Buffer): void {
    const frame = parseTransferFrame(message);
    if (this.#end.seat?.forward(frame.requestId, message) === true) return;
    const transfer = this.#transfers.get(frame.requestId);
    if (frame.kind === 'ack' && typeof transfer === 'object') transfer.acknowledgeBefore(frame.offset);
  }

  #onText(text: string): void {
    const value: unknown = JSON.parse(text);
    const type = transferTypeOf(value);
    if (type === undefined) return;
    const requestId = (value as { request_id?: unknown }).request_id;
    const isForSeat = type !== 'model_request' && typeof requestId === 'string';
    if (isForSeat && this.#end.seat?.forward(requestId, text, type) === true) return;
    const message = parseTransferMessage(value);
    if (message.type === 'model_request') this.#onRequest(message);
    else this.#onWord(message);
  }

  #onWord(message: TransferMessage): void {
    const { request_id: requestId, type } = message;
    const transfer = this.#transfers.get(requestId);
    const isEnd = type === 'model_transfer_cancel' || type === 'model_transfer_complete';
    if (type === 'model_transfer_complete') this.#noteVerdict(message.model_id, message.verification_status);
    if (transfer === 'opening' && isEnd) this.#transfers.set(requestId, 'unwanted');
    if (typeof transfer !== 'object') return;
    if (isEnd) transfer.stop({ how: 'cancelled' });
    else if (type === 'model_transfer_chunk_ack') transfer.acknowledge(message.chunk_index);
  }

  /** The receiver's word alone: nothing follows from it. */
  #noteVerdict(modelId: string, status: string): void {
    this.#around.logger.debug({ modelId, status, viewer: this.#end.viewer.kind }, 'a receiver has a model');
  }

  #onRequest(request: TransferRequest): void {
    const { nodeId, limits } = this.#around;
    const { request_id: requestId, target_node_id: target } = request;
    if (this.#transfers.has(requestId)) this.#refuse(request, 'bad_request', 'the request id is in use');
    else if (target !== '' && nodeId !== undefined && target !== nodeId) this.#relay(request);
    else if (this.#transfers.size >= (this.#end.isLink ? limits.wsLinkRequests : limits.wsRequests))
      this.#refuse(request, 'too_many_streams', `${this.#transfers.size} transfers run on this socket`, 1);
    else {
      this.#transfers.set(requestId, 'opening');
      this.#open(request).catch((thrown: unknown) => this.#fail(request, thrown));
    }
  }

  #relay(request: TransferRequest): void {
    const { seat, viewer } = this.#end;
    const nobody = viewer.kind === 'stranger' ? 'stranger_refused' : 'target_absent';
    const code = seat === undefined ? nobody : seat.request(request);
    if (code !== undefined) this.#refuse(request, code, `Relaying to ${request.target_node_id}: ${code}`);
  }

  async #open(request: TransferRequest): Promise<void> {
    const { content, streams } = this.#around;
    const { viewer, address } = this.#end;
    const leave = streams.enter(viewer, address);
    try {
      const requested = await openRequested(content, request, this.#askerOf(request));
      if (!this.#isOver && this.#transfers.get(request.request_id) === 'opening')
        return this.#begin(request, requested, leave);
      await requested.blob.close();
    } catch (thrown) {
      leave();
      throw thrown;
    }
    leave();
    this.#transfers.delete(request.request_id);
    this.#hear();
  }

  /** Through a link everything is the relay's word, and it reads along: it and whom it names are looked at. */
  #askerOf({ requester_node_id: onBehalfOf }: TransferRequest): Viewer {
    const { viewer, isLink } = this.#end;
    return isLink === true && viewer.kind === 'peer' ? { ...viewer, onBehalfOf } : viewer;
  }

  #begin(request: TransferRequest, requested: RequestedBytes, leave: () => void): void {
    const { limits, clock, metrics, gateFor, onSending } = this.#around;
    const { viewer, socket } = this.#end;
    const port = {
      send: (message: string | Buffer, onWritten: () => void) => socket.send(message, onWritten),
      onSent: (bytes: number) => metrics.sent(viewer.kind, bytes),
      onEnd: (end: OutgoingEnd) => this.#onEnd(request, end, leave),
    };
    const { blob, sha256 } = requested;
    const gate = gateFor(viewer, sha256, blob.sizeBytes);
    // A list of piece hashes is no piece.
    const noted = request.content === 'pieces' ? blob : notedBlob(blob, sha256, onSending);
    const bytes = { ...requested, blob: noted };
    const transfer = new OutgoingTransfer({ request, requested: bytes, port, limits, clock, gate });
    this.#transfers.set(request.request_id, transfer);
    metrics.blobStreams(1);
    transfer.begin();
  }

  #onEnd(request: TransferRequest, end: OutgoingEnd, leave: () => void): void {
    leave();
    this.#around.metrics.blobStreams(-1);
    this.#transfers.delete(request.request_id);
    if (end.how === 'failed') this.#cancel(request, end);
    if (end.how === 'stuck') this.#end.socket.terminate();
    this.#hear();
  }

  #fail(request: TransferRequest, thrown: unknown): void {
    const code = cancelCodeOf(thrown);
    if (code === 'internal') this.#around.logger.error({ err: thrown }, 'a transfer could not begin');
    this.#transfers.delete(request.request_id);
    const message = code === 'internal' ? 'Opening a model failed' : messageOf(thrown);
    this.#refuse(request, code, message, code === 'too_many_streams' ? 1 : undefined);
    this.#hear();
  }

  #refuse(request: TransferRequest, code: string, message: string, retryAfterS?: number): void {
    this.#cancel(request, {
      reason: code === 'content_gone' ? 'hash_mismatch' : 'network_error',
      message,
      code,
      retryAfterS,
    });
  }

  #cancel({ request_id, model_id }: TransferRequest, why: CancelFacts): void {
    const { reason, message, code, retryAfterS } = why;
    const about = { type: 'model_transfer_cancel', request_id, model_id, reason, message } as const;
    const later = retryAfterS === undefined ? {} : { retry_after_s: retryAfterS };
    this.#answer({
      ...{ ...about, ...later, cancelled_by: this.#around.nodeId ?? '' },
      ...(code === undefined ? {} : { code }),
    });
  }

  /** Who does not read its answers is not listened to. */
  #answer(message: OutgoingTransferMessage): void {
    const { socket } = this.#end;
    if (this.#isOver || socket.readyState !== socket.OPEN) return;
    const text = encodeTransferMessage(message);
    const most = this.#around.limits.wsAnswerBytes;
    this.#answerBytes += text.length;
    if (this.#answerBytes > most) socket.pause();
    socket.send(text, () => {
      this.#answerBytes -= text.length;
      if (this.#answerBytes <= most && socket.isPaused) socket.resume();
    });
  }

  /** The timer is not moved with every message: it looks how long ago the last one was when it is due. */
  #hear(): void {
    this.#heardAtMs = this.#around.clock.monotonicMs();
    if (this.#cancelIdle === undefined) this.#watchIdle(this.#around.limits.wsIdleMs);
  }

  #watchIdle(waitMs: number): void {
    const { clock, limits } = this.#around;
    if (this.#isOver || this.#end.isLink === true) return;
    this.#cancelIdle = clock.after(waitMs, () => {
      const leftMs = limits.wsIdleMs - (clock.monotonicMs() - this.#heardAtMs);
      if (this.#transfers.size > 0) this.#watchIdle(limits.wsIdleMs);
      else if (leftMs > 0) this.#watchIdle(leftMs);
      else this.#end.socket.close(CLOSE.idle);
    });
  }
}
