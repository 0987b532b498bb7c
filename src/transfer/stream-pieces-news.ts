/** Follows what a peer holds of a blob, over a mesh stream. Spec: docs/spec/10-transfer.md §8, §9 no. 3. */
import type { PieceRoot, Sha256 } from '../core/index.ts';
import {
  encodeBlobStreamFrame,
  HaveFrameDecoder,
  PROTOCOL_LIMITS,
  parseBlobStreamHead,
  SmallFrame,
} from '../protocol/index.ts';
import type { ByteStream } from './byte-stream.ts';
import { TransferError, toTransferError } from './errors.ts';
import { badNews, NewsAllowance, toNews, toNewsError } from './http-pieces-news.ts';
import type { PieceNews } from './ports.ts';
import { errorOfHead } from './stream-lane.ts';

export interface StreamQuestion {
  readonly sha256: Sha256;
  readonly root: PieceRoot;
  readonly pieceCount: number;
}

const SILENCE_MS = 3 * PROTOCOL_LIMITS.haveKeepAliveMs;

/** Until the signal comes. Throws TransferError when the news end before that. Owns the stream. */
export async function followStream(
  stream: ByteStream,
  { sha256, root, pieceCount }: StreamQuestion,
  tell: (news: PieceNews) => void,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const read = newsReader(pieceCount, tell);
  const stalled = (): void =>
    reject(new TransferError('peer_stalled', `Following a peer: silent for ${SILENCE_MS} ms`));
  const watch = setTimeout(stalled, SILENCE_MS);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  stream.receive({
    bytes(chunk) {
      watch.refresh();
      try {
        read(chunk);
      } catch (thrown) {
        reject(toNewsError(thrown));
      }
    },
    ended: (error) => reject(endedEarly(error)),
  });
  try {
    // Not awaited by itself: the stream may end meanwhile, and nobody would hear it.
    stream.send(encodeBlobStreamFrame({ want: 'have', sha256, root }))?.catch(reject);
    await promise;
  } catch (thrown) {
    throw toTransferError(thrown, 'Following a peer');
  } finally {
    clearTimeout(watch);
    signal.removeEventListener('abort', onAbort);
    stream.abort(new Error('nobody follows any more'));
  }
}

function newsReader(pieceCount: number, tell: (news: PieceNews) => void): (chunk: Uint8Array) => void {
  const head = new SmallFrame();
  const allowance = new NewsAllowance();
  const decoder = new HaveFrameDecoder(pieceCount, () => allowance.spend());
  let isAnswered = false;
  return (chunk) => {
    let rest = chunk;
    if (!isAnswered) {
      const { used, value } = head.push(chunk);
      if (value === undefined) return;
      const answer = parseBlobStreamHead(value);
      if ('error' in answer) throw errorOfHead(answer);
      if (!('follow' in answer)) throw badNews('bytes where news were asked for');
      isAnswered = true;
      rest = chunk.subarray(used);
    }
    for (const frame of decoder.push(rest)) {
      const news = toNews(frame);
      if (news !== undefined) tell(news);
    }
  };
}

function endedEarly(cause: Error | undefined): TransferError {
  return new TransferError('peer_unreachable', 'Following a peer: it ended the stream', { cause });
}
