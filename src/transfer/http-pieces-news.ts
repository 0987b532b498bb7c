/**
 * Follows what a peer holds of a blob, over a connection of its own. What the peer controls: every byte after our request.
 * It can make us hold one head, one frame, and look at `newsPerSecond` frames; silence ends it. Spec: 10-transfer §8.
 */
import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../core/index.ts';
import { type HaveFrame, HaveFrameDecoder, PROTOCOL_LIMITS, ProtocolError } from '../protocol/index.ts';
import { openSocket, type Target } from './connect.ts';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import type { PieceNews } from './ports.ts';
import { errorOfStatus, parseResponseHead, type ResponseHead } from './response-head.ts';

export interface PiecesQuestion {
  readonly target: Target;
  /** The whole request head, closing empty line and all. */
  readonly request: string;
  readonly pieceCount: number;
  readonly clock?: Clock;
  /** Without a byte for so long the peer counts as gone. */
  readonly silenceMs?: number;
}

const DEFAULT_SILENCE_MS = 3 * PROTOCOL_LIMITS.haveKeepAliveMs;
const READ_BYTES = 4096;
const HEAD_END = '\r\n\r\n';

/** Until the signal comes. Throws TransferError when the news end before that. */
export async function followPieces(
  question: PiecesQuestion,
  tell: (news: PieceNews) => void,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const reader = new NewsReader(question, tell);
  const buffer = Buffer.alloc(READ_BYTES);
  const onread = { buffer, callback: (count: number) => reader.take(buffer.subarray(0, count)) };
  const onAbort = (): void => stop.abort();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    await reader.follow(await openSocket(question.target, onread, stop.signal), stop.signal);
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

class NewsReader {
  readonly #tell: (news: PieceNews) => void;
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #request: string;
  readonly #decoder: HaveFrameDecoder;
  readonly #ended = Promise.withResolvers<void>();
  /** Until it is whole. */
  #head: string | undefined = '';
  /** Of a state that nothing follows: bytes of the body to come. */
  #left: number | undefined;
  /** All has been said: whatever becomes of the connection, it stands. */
  #isFinal = false;
  #heardMs: number;
  #socket: Socket | undefined;

  constructor(
    { pieceCount, clock = systemClock, silenceMs = DEFAULT_SILENCE_MS, request }: PiecesQuestion,
    tell: (news: PieceNews) => void,
  ) {
    this.#tell = tell;
    this.#clock = clock;
    this.#silenceMs = silenceMs;
    this.#request = request;
    const allowance = new NewsAllowance(clock);
    this.#decoder = new HaveFrameDecoder(pieceCount, () => allowance.spend());
    this.#heardMs = clock.monotonicMs();
  }

  async follow(socket: Socket, signal: AbortSignal): Promise<void> {
    const fail = (error: unknown): void => this.#ended.reject(toTransferError(error, 'Following a peer'));
    const onAbort = (): void => this.#ended.resolve();
    const onEnd = (): void => {
      if (!this.#isFinal) fail(new TransferError('peer_unreachable', 'Following a peer: it closed the connection'));
    };
    this.#socket = socket;
    signal.addEventListener('abort', onAbort);
    socket.on('error', fail).on('end', onEnd).on('close', onEnd);
    if (socket.destroyed) onEnd();
    socket.write(this.#request);
    let cancelWatch = (): void => {};
    const watch = (): void => {
      const restMs = this.#heardMs + this.#silenceMs - this.#clock.monotonicMs();
      if (this.#isFinal) return;
      if (restMs <= 0) fail(new TransferError('peer_stalled', `Following a peer: silent for ${this.#silenceMs} ms`));
      else cancelWatch = this.#clock.after(restMs, watch);
    };
    watch();
    try {
      await this.#ended.promise;
    } finally {
      cancelWatch();
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
    }
  }

  /** False stops the socket from reading any more. */
  take(bytes: Buffer): boolean {
    if (this.#isFinal) return false;
    try {
      this.#heardMs = this.#clock.monotonicMs();
      const body = this.#head === undefined ? bytes : this.#takeHead(this.#head, bytes);
      if (body !== undefined && !this.#isFinal) this.#takeBody(body);
    } catch (thrown) {
      this.#ended.reject(toNewsError(thrown));
      return false;
    }
    return !this.#isFinal;
  }

  /** What of `bytes` is body; undefined while the head is not whole. */
  #takeHead(begun: string, bytes: Buffer): Buffer | undefined {
    const text = begun + bytes.toString('latin1');
    const end = text.indexOf(HEAD_END);
    if (end < 0 && text.length > TRANSFER_LIMITS.maxHeadBytes) throw badNews('an endless head');
    this.#head = end < 0 ? text : undefined;
    if (end < 0) return undefined;
    this.#judge(parseResponseHead(text.slice(0, end)));
    return bytes.subarray(end + HEAD_END.length - begun.length);
  }

  #judge(head: ResponseHead): void {
    if (isWithoutRoute(head)) {
      this.#tell({ news: 'holds_all' });
      this.#setFinal();
      return;
    }
    if (head.status !== 200) throw errorOfStatus(head);
    const encoding = head.fields.get('transfer-encoding') ?? head.fields.get('content-encoding') ?? 'identity';
    if (encoding !== 'identity') throw badNews(`encoding ${JSON.stringify(encoding.slice(0, 60))}`);
    const length = head.fields.get('content-length');
    if (length === undefined) return;
    if (!/^[0-9]{1,9}$/.test(length)) throw badNews(`Content-Length ${length.slice(0, 20)}`);
    this.#left = Number(length);
  }

  #takeBody(bytes: Buffer): void {
    const { length } = bytes;
    if (this.#left !== undefined && length > this.#left) throw badNews('more bytes than were announced');
    for (const frame of this.#decoder.push(bytes)) {
      const news = toNews(frame);
      if (news !== undefined) this.#tell(news);
    }
    if (this.#left === undefined) return;
    this.#left -= length;
    if (this.#left > 0) return;
    if (!this.#decoder.isWhole) throw badNews('the end within a frame');
    this.#setFinal();
  }

  /** The peer need not keep a connection for it. */
  #setFinal(): void {
    this.#isFinal = true;
    this.#socket?.destroy();
  }
}

/** How many frames a peer may have us look at: `newsBurst` at once, `newsPerSecond` more a second. */
export class NewsAllowance {
  readonly #clock: Clock;
  #left: number = TRANSFER_LIMITS.newsBurst;
  #atMs: number;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  spend(): void {
    const nowMs = this.#clock.monotonicMs();
    const refilled = this.#left + ((nowMs - this.#atMs) / 1000) * TRANSFER_LIMITS.newsPerSecond;
    this.#left = Math.min(TRANSFER_LIMITS.newsBurst, refilled) - 1;
    this.#atMs = nowMs;
    if (this.#left < 0) throw badNews('more news than pieces can make');
  }
}

/** An older node, or a plain server of files: it has no parts. One that knows the route says `blob_not_found`. */
function isWithoutRoute({ status, fields }: ResponseHead): boolean {
  if (status === 405 || status === 501) return true;
  return status === 404 && fields.get('problem-code') !== 'blob_not_found';
}

export function toNews(frame: HaveFrame): PieceNews | undefined {
  switch (frame.type) {
    case 'alive':
      return undefined;
    case 'holds_all':
      return { news: 'holds_all' };
    case 'holds':
      return { news: 'holds', bits: frame.bits };
    case 'others':
      return { news: 'others', count: frame.count };
    default:
      return { news: frame.type, indexes: frame.indexes };
  }
}

export function toNewsError(thrown: unknown): unknown {
  if (!(thrown instanceof ProtocolError)) return toTransferError(thrown, 'Following a peer');
  return new TransferError('bad_response', `Following a peer: ${thrown.message}`, { cause: thrown });
}

export function badNews(what: string): TransferError {
  return new TransferError('bad_response', `Following a peer: ${what}`);
}
