/**
 * One transfer over a WebSocket, from its start message to its last acknowledgement. Owns the open blob, the buffers and
 * one timer, and gives them back when it ends, however it does; the socket is its session's. Chunks are read one after the
 * other, while those before leave. Spec: docs/spec/14-websocket.md §2, §3, §4.
 */
import { type ByteGate, type Clock, messageOf } from '../core/index.ts';
import {
  type CancelReason,
  encodeTransferMessage,
  isBinaryRequestId,
  PROTOCOL_LIMITS,
  TRANSFER_FRAME_HEAD_BYTES,
  type TransferRequest,
  type TransferStart,
  writeDataFrameHead,
} from '../protocol/index.ts';
import type { ServerLimits } from './limits.ts';
import { cancelCodeOf, digestOf, type RequestedBytes } from './ws-content.ts';
import {
  deadlineOf,
  initialSending,
  planSending,
  type SendEvent,
  type SendPlan,
  type SendState,
} from './ws-sending.ts';

/** The session's side. */
export interface OutgoingPort {
  /** Calls back when the bytes left this process, or never will. */
  send(message: string | Buffer, onWritten: () => void): void;
  /** Told for every chunk. */
  onSent(bytes: number): void;
  onEnd(end: OutgoingEnd): void;
}

export type OutgoingEnd =
  | { readonly how: 'done' | 'cancelled' }
  | { readonly how: 'stuck' }
  | { readonly how: 'failed'; readonly reason: CancelReason; readonly message: string; readonly code?: string };

export interface OutgoingOptions {
  readonly request: TransferRequest;
  readonly requested: RequestedBytes;
  readonly port: OutgoingPort;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly gate: ByteGate;
}

export class OutgoingTransfer {
  readonly #options: OutgoingOptions;
  readonly #start: TransferStart;
  readonly #state: SendState;
  readonly #stopped = new AbortController();
  readonly #toSend: number[] = [];
  readonly #spare: Buffer[] = [];
  #isPumping = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#start = startOf(options);
    this.#state = initialSending(planOf(options.request, this.#start), rulesOf(options.limits, this.#start.chunk_size));
  }

  begin(): void {
    this.#options.port.send(encodeTransferMessage(this.#start), () => {});
    this.#tell({ on: 'start' });
  }

  acknowledge(index: number): void {
    this.#tell({ on: 'ack', index });
  }

  /** Everything before this byte. */
  acknowledgeBefore(offset: number): void {
    const { total_bytes, chunk_size } = this.#start;
    this.#tell({ on: 'ack_below', index: offset >= total_bytes ? Infinity : Math.floor(offset / chunk_size) });
  }

  /** Whoever wanted it: nothing more is sent. */
  stop(end: OutgoingEnd): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#state.isOver = true;
    this.#cancelTimer?.();
    if (!this.#isPumping) void this.#close();
    this.#options.port.onEnd(end);
  }

  #tell(event: SendEvent): void {
    const { clock } = this.#options;
    for (const command of planSending(this.#state, event, clock.monotonicMs())) {
      if (command.do === 'send') this.#toSend.push(command.index);
      else if (command.do === 'done') this.stop({ how: 'done' });
      else this.stop(command.isStuck ? { how: 'stuck' } : noAcknowledgement);
    }
    this.#setTimer();
    if (!this.#isPumping && this.#toSend.length > 0) void this.#pump();
  }

  /** Not moved at every acknowledgement: it looks at the time again when it is due. */
  #setTimer(): void {
    const deadlineMs = deadlineOf(this.#state);
    if (deadlineMs === undefined || this.#cancelTimer !== undefined) return;
    const waitMs = Math.max(0, deadlineMs - this.#options.clock.monotonicMs());
    this.#cancelTimer = this.#options.clock.after(waitMs, () => {
      this.#cancelTimer = undefined;
      this.#tell({ on: 'time' });
    });
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    try {
      for (let index = this.#toSend.shift(); index !== undefined; index = this.#toSend.shift())
        await this.#sendChunk(index);
    } catch (thrown) {
      const { reason, code } = reasonOf(thrown);
      this.stop({ how: 'failed', reason, code, message: isInternal(code) ? 'Reading failed' : messageOf(thrown) });
    } finally {
      this.#isPumping = false;
      if (this.#stopped.signal.aborted) await this.#close();
    }
  }

  async #sendChunk(index: number): Promise<void> {
    const { gate, port, requested } = this.#options;
    const { signal } = this.#stopped;
    const { chunk_size, total_bytes, form } = this.#start;
    const offset = index * chunk_size;
    const sizeBytes = Math.min(chunk_size, total_bytes - offset);
    const waiting = gate.take(sizeBytes, signal);
    if (waiting !== undefined) await waiting;
    if (signal.aborted) return;
    const buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(TRANSFER_FRAME_HEAD_BYTES + chunk_size);
    const frame = buffer.subarray(0, TRANSFER_FRAME_HEAD_BYTES + sizeBytes);
    await readWhole(requested, frame.subarray(TRANSFER_FRAME_HEAD_BYTES), offset);
    if (signal.aborted) return;
    const onWritten = (): void => {
      if (form === 'binary') this.#spare.push(buffer);
      this.#tell({ on: 'written', index });
    };
    port.send(form === 'binary' ? this.#dataFrame(frame, offset) : this.#chunkMessage(frame, index), onWritten);
    if (form === 'json') this.#spare.push(buffer);
    port.onSent(sizeBytes);
  }

  #dataFrame(frame: Buffer, offset: number): Buffer {
    writeDataFrameHead(frame, this.#start.request_id, offset);
    return frame;
  }

  #chunkMessage(frame: Buffer, index: number): string {
    const chunk_bytes = frame.subarray(TRANSFER_FRAME_HEAD_BYTES);
    const { request_id, model_id, total_chunks } = this.#start;
    const about = { type: 'model_transfer_chunk', request_id, model_id, chunk_index: index, total_chunks } as const;
    return encodeTransferMessage({ ...about, chunk_bytes, chunk_sha256: digestOf(chunk_bytes) });
  }

  #close(): Promise<void> {
    this.#toSend.length = 0;
    return this.#options.requested.blob.close().catch(() => {});
  }
}

const noAcknowledgement: OutgoingEnd = {
  how: 'failed',
  reason: 'timeout',
  message: 'Sending a chunk: no acknowledgement, after all repetitions',
};

function isInternal(code: string): boolean {
  return code === 'internal';
}

function reasonOf(thrown: unknown): { readonly reason: CancelReason; readonly code: string } {
  const code = cancelCodeOf(thrown);
  return { reason: code === 'content_gone' ? 'hash_mismatch' : 'network_error', code };
}

function startOf({ request, requested }: OutgoingOptions): TransferStart {
  const isBinary = (request.forms ?? []).includes('binary') && isBinaryRequestId(request.request_id);
  const chunk_size = isBinary ? PROTOCOL_LIMITS.binaryChunkBytes : PROTOCOL_LIMITS.chunkBytes;
  const { sizeBytes } = requested.blob;
  return {
    ...{ type: 'model_transfer_start', request_id: request.request_id, model_id: request.model_id },
    ...{ total_bytes: sizeBytes, total_chunks: Math.ceil(sizeBytes / chunk_size), chunk_size },
    ...{ sha256: requested.sha256, metadata: requested.metadata, transfer_method: 'websocket_chunked' },
    ...{ form: isBinary ? 'binary' : 'json', resume_from_byte: request.resume_from_byte },
    ...(request.end_byte === undefined ? {} : { end_byte: request.end_byte }),
  };
}

function planOf(request: TransferRequest, { chunk_size, total_bytes }: TransferStart): SendPlan {
  const first = Math.floor(Math.min(request.resume_from_byte, total_bytes) / chunk_size);
  const end = Math.ceil(Math.min(request.end_byte ?? total_bytes, total_bytes) / chunk_size);
  const bitmap = request.resume_bitmap;
  return {
    first,
    end,
    isHeld: (index) => bitmap !== undefined && isWhollyHeld(bitmap, index, chunk_size, total_bytes),
  };
}

/** A bit stands for 65536 bytes, whatever the size of a chunk. */
function isWhollyHeld(bitmap: Buffer, index: number, chunkSize: number, totalBytes: number): boolean {
  const perChunk = chunkSize / PROTOCOL_LIMITS.chunkBytes;
  const end = Math.min((index + 1) * perChunk, Math.ceil(totalBytes / PROTOCOL_LIMITS.chunkBytes));
  for (let bit = index * perChunk; bit < end; bit += 1)
    if ((((bitmap[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 0) return false;
  return true;
}

function rulesOf(limits: ServerLimits, chunkSize: number) {
  const inBytes = Math.floor(limits.wsWindowBytes / chunkSize);
  return {
    ackTimeoutMs: limits.wsAckTimeoutMs,
    slowAckMs: limits.wsSlowAckMs,
    retries: limits.wsRetries,
    minWindow: limits.wsMinWindow,
    maxWindow: Math.max(limits.wsMinWindow, Math.min(limits.wsMaxWindow, inBytes)),
    maxUnwritten: limits.wsUnwrittenChunks,
  };
}

async function readWhole({ blob }: RequestedBytes, chunk: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < chunk.length; ) {
    const got = await blob.read(filled === 0 ? chunk : chunk.subarray(filled), position + filled);
    if (got === 0)
      throw Object.assign(new Error('Reading a file: it is shorter than it was'), { code: 'blob_changed' });
    filled += got;
  }
}
