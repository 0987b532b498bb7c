/**
 * One small question over HTTP/1.1 on a connection of its own, answered with a body of a known length. What the peer controls:
 * every byte after our request. It can make us hold one head and `maxBytes`, and wait `questionMs`. Spec: 22-differences §7.1.
 */
import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../core/index.ts';
import { openSocket, type Target } from './connect.ts';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import { errorOfStatus, parseResponseHead, type ResponseHead } from './response-head.ts';

export interface HttpQuestion {
  readonly target: Target;
  /** The whole request head, closing empty line and all. */
  readonly request: string;
  /** Of the body. */
  readonly maxBytes: number;
  /** Any other is an error. */
  readonly statuses: readonly number[];
  readonly clock?: Clock;
}

const READ_BYTES = 4096;
const HEAD_END = '\r\n\r\n';

/** The body. Throws TransferError. */
export async function askOverHttp(question: HttpQuestion, signal: AbortSignal): Promise<Buffer> {
  const { clock = systemClock } = question;
  const late = new AbortController();
  const cancelTimer = clock.after(TRANSFER_LIMITS.questionMs, () => late.abort());
  const reader = new AnswerReader(question);
  const buffer = Buffer.alloc(READ_BYTES);
  const onread = { buffer, callback: (count: number) => reader.take(buffer.subarray(0, count)) };
  try {
    const both = AbortSignal.any([signal, late.signal]);
    return await reader.read(await openSocket(question.target, onread, both), both);
  } catch (thrown) {
    if (late.signal.aborted && !signal.aborted)
      throw new TransferError('peer_stalled', `Asking a peer: no answer within ${TRANSFER_LIMITS.questionMs} ms`);
    throw toTransferError(thrown, 'Asking a peer');
  } finally {
    cancelTimer();
  }
}

class AnswerReader {
  readonly #question: HttpQuestion;
  readonly #done = Promise.withResolvers<Buffer>();
  /** Until it is whole. */
  #head: string | undefined = '';
  readonly #body: Buffer[] = [];
  #left = 0;

  constructor(question: HttpQuestion) {
    this.#question = question;
    this.#done.promise.catch(() => {});
  }

  async read(socket: Socket, signal: AbortSignal): Promise<Buffer> {
    const fail = (error: unknown): void => this.#done.reject(error);
    const onEnd = (): void => fail(new TransferError('peer_unreachable', 'Asking a peer: it closed the connection'));
    const onAbort = (): void => fail(new TransferError('cancelled', 'Asking a peer: cancelled'));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    socket.on('error', fail).on('end', onEnd).on('close', onEnd);
    if (socket.destroyed) onEnd();
    socket.write(this.#question.request);
    try {
      return await this.#done.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
    }
  }

  /** False stops the socket from reading any more. */
  take(bytes: Buffer): boolean {
    try {
      const body = this.#head === undefined ? bytes : this.#takeHead(this.#head, bytes);
      if (body !== undefined) this.#takeBody(body);
      return true;
    } catch (thrown) {
      this.#done.reject(thrown);
      return false;
    }
  }

  /** What of `bytes` is body; undefined while the head is not whole. */
  #takeHead(begun: string, bytes: Buffer): Buffer | undefined {
    const text = begun + bytes.toString('latin1');
    const end = text.indexOf(HEAD_END);
    if (end < 0 && text.length > TRANSFER_LIMITS.maxHeadBytes) throw badAnswer('an endless head');
    this.#head = end < 0 ? text : undefined;
    if (end < 0) return undefined;
    this.#left = this.#lengthOf(parseResponseHead(text.slice(0, end)));
    return bytes.subarray(end + HEAD_END.length - begun.length);
  }

  #lengthOf(head: ResponseHead): number {
    const { statuses, maxBytes } = this.#question;
    if (!statuses.includes(head.status)) throw errorOfStatus(head);
    const encoding = head.fields.get('transfer-encoding') ?? head.fields.get('content-encoding') ?? 'identity';
    if (encoding !== 'identity') throw badAnswer(`encoding ${JSON.stringify(encoding.slice(0, 60))}`);
    const length = head.fields.get('content-length') ?? 'absent';
    if (/^[0-9]{1,9}$/.test(length) && Number(length) <= maxBytes) return Number(length);
    throw badAnswer(`Content-Length ${length.slice(0, 20)}, at most ${maxBytes}`);
  }

  #takeBody(bytes: Buffer): void {
    if (bytes.length > this.#left) throw badAnswer('more bytes than were announced');
    this.#left -= bytes.length;
    this.#body.push(Buffer.from(bytes));
    if (this.#left === 0) this.#done.resolve(Buffer.concat(this.#body));
  }
}

function badAnswer(what: string): TransferError {
  return new TransferError('bad_response', `Asking a peer: ${what}`);
}
