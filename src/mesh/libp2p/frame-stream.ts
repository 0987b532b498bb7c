/**
 * One question and one answer on a libp2p stream. Spec: docs/spec/02-records.md §2.
 * js-libp2p streams have no back-pressure when read: only bounded frames ever cross them, and reading stops after one.
 */
import type { Stream } from '@libp2p/interface';
import { CoreError, messageOf } from '../../core/index.ts';
import { encodeFrame, FrameDecoder, ProtocolError } from '../../protocol/index.ts';

/** Structural: what a stream hands out is a Uint8Array or a list of them. */
interface Bytes {
  subarray(): Uint8Array;
}

/** Sends a frame, waiting while the other side is slow. */
export async function sendFrame(stream: Stream, message: unknown, signal: AbortSignal): Promise<void> {
  if (!stream.send(encodeFrame(message))) await stream.onDrain({ signal });
}

/** The one frame that the other side sends. Throws ProtocolError for what is none, CoreError `timed_out` when it is late. */
export function readFrame(stream: Stream, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const decoder = new FrameDecoder();
    const finish = (settle: () => void) => {
      stream.removeEventListener('message', onMessage);
      stream.removeEventListener('remoteCloseWrite', onEnd);
      stream.removeEventListener('close', onEnd);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onMessage = (event: { readonly data: Bytes }) => {
      try {
        const [value, ...more] = decoder.push(event.data.subarray());
        if (more.length > 0 || (value !== undefined && decoder.pendingBytes > 0)) throw tooMany();
        if (value !== undefined) finish(() => resolve(value));
      } catch (thrown) {
        finish(() => reject(thrown));
      }
    };
    // Data that is still in the stream's buffer is handed out first: the end is looked at a turn later.
    const onEnd = () => {
      setImmediate(() => finish(() => reject(cutOff(decoder.pendingBytes))));
    };
    const onAbort = () => finish(() => reject(new CoreError('timed_out', 'Reading a frame: the other side is silent')));
    stream.addEventListener('remoteCloseWrite', onEnd);
    stream.addEventListener('close', onEnd);
    signal.addEventListener('abort', onAbort);
    stream.addEventListener('message', onMessage);
    if (signal.aborted) onAbort();
  });
}

/** Asks on a fresh stream and leaves it closed, or reset when anything went wrong. */
export async function askOnStream(stream: Stream, message: unknown, signal: AbortSignal): Promise<unknown> {
  try {
    await sendFrame(stream, message, signal);
    const answer = await readFrame(stream, signal);
    await stream.close({ signal });
    return answer;
  } catch (thrown) {
    stream.abort(toError(thrown));
    throw thrown;
  }
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}

function tooMany(): ProtocolError {
  return new ProtocolError('malformed', 'Reading a frame: bytes follow where one frame was wanted');
}

function cutOff(pendingBytes: number): ProtocolError {
  return new ProtocolError(
    'malformed',
    `Reading a frame: the stream ended with ${pendingBytes} bytes of an unfinished one`,
  );
}
