/**
 * One small question on a stream of the mesh, answered with a head and so many bytes. What the peer controls: every byte. It can make
 * us hold one frame and `maxBytes`, and wait `questionMs`. Spec: docs/spec/22-differences.md §7.1, 10-transfer §9.
 */
import { type Clock, systemClock } from '../core/index.ts';
import {
  type BlobStreamRequest,
  encodeBlobStreamFrame,
  ProtocolError,
  parseBlobStreamHead,
  SmallFrame,
} from '../protocol/index.ts';
import type { ByteStream } from './byte-stream.ts';
import { TransferError, toTransferError } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';
import { errorOfHead } from './stream-lane.ts';

export interface StreamQuestion {
  readonly request: BlobStreamRequest;
  readonly maxBytes: number;
  readonly clock?: Clock;
}

/** The answer's bytes. Throws TransferError. Owns the stream. */
export async function askOverStream(
  stream: ByteStream,
  { request, maxBytes, clock = systemClock }: StreamQuestion,
  signal: AbortSignal,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const stalled = (): void => reject(new TransferError('peer_stalled', 'Asking a peer: no answer in time'));
  const cancelTimer = clock.after(TRANSFER_LIMITS.questionMs, stalled);
  const onAbort = (): void => reject(new TransferError('cancelled', 'Asking a peer: cancelled'));
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const take = answerReader(maxBytes, resolve);
  stream.receive({
    bytes(chunk) {
      try {
        take(chunk);
      } catch (thrown) {
        reject(thrown instanceof ProtocolError ? badAnswer(thrown.message, thrown) : thrown);
      }
    },
    ended: (error) => reject(endedEarly(error)),
  });
  try {
    // Not awaited by itself: the stream may end meanwhile, and nobody would hear it.
    stream.send(encodeBlobStreamFrame(request))?.catch(reject);
    return await promise;
  } catch (thrown) {
    throw toTransferError(thrown, 'Asking a peer');
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
    stream.abort(new Error('the question was answered, or given up'));
  }
}

function answerReader(maxBytes: number, done: (bytes: Buffer) => void): (chunk: Uint8Array) => void {
  const frame = new SmallFrame();
  let answer: Buffer | undefined;
  let filled = 0;
  return (chunk) => {
    let rest = chunk;
    if (answer === undefined) {
      const { used, value } = frame.push(chunk);
      if (value === undefined) return;
      answer = Buffer.alloc(lengthOf(value, maxBytes));
      rest = chunk.subarray(used);
    }
    if (rest.length > answer.length - filled) throw badAnswer('more bytes than were announced');
    answer.set(rest, filled);
    filled += rest.length;
    if (filled === answer.length) done(answer);
  };
}

function lengthOf(value: unknown, maxBytes: number): number {
  const head = parseBlobStreamHead(value);
  if ('error' in head) throw errorOfHead(head);
  if ('length' in head && head.length <= maxBytes) return head.length;
  throw badAnswer(`${JSON.stringify(head).slice(0, 80)}, wanted at most ${maxBytes} bytes`);
}

function badAnswer(what: string, cause?: unknown): TransferError {
  return new TransferError('bad_response', `Asking a peer: ${what}`, { cause });
}

function endedEarly(cause: Error | undefined): TransferError {
  return new TransferError('peer_unreachable', 'Asking a peer: it ended the stream', { cause });
}
