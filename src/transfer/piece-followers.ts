/**
 * Follows what the sources of a download hold, one connection each, for as long as the source is used: news that end are
 * asked for anew after a pause. What a peer controls: which pieces it names; one that there is not ends it for good.
 * Spec: docs/spec/10-transfer.md §4.2.
 */
import type { Clock, Random } from '../core/index.ts';
import { isFinalForPeer, TransferError, toTransferError } from './errors.ts';
import { delay } from './fetch-piece-list.ts';
import type { TransferLimits } from './limits.ts';
import type { PlanEvent } from './plan/plan-events.ts';
import type { PieceNews, PieceSource } from './ports.ts';

export interface PieceFollowersOptions {
  readonly pieceCount: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: TransferLimits;
  readonly tell: (event: PlanEvent) => void;
  readonly onFailure: (sourceId: string, error: TransferError) => void;
}

type Follow = NonNullable<PieceSource['followPieces']>;

export class PieceFollowers {
  readonly #options: PieceFollowersOptions;
  readonly #signal: AbortSignal;
  readonly #following = new Map<string, { readonly stop: AbortController; readonly ended: Promise<void> }>();

  constructor(options: PieceFollowersOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Nothing for a source that holds everything, or that is followed already. */
  follow(source: PieceSource): void {
    const before = this.#following.get(source.id);
    if (source.followPieces === undefined || before?.stop.signal.aborted === false) return;
    const stop = new AbortController();
    const signal = AbortSignal.any([this.#signal, stop.signal]);
    const follow = source.followPieces.bind(source);
    const news = this.#follow(source.id, follow, signal);
    const ended = Promise.all([before?.ended, news]).then(() => {});
    this.#following.set(source.id, { stop, ended });
  }

  stop(sourceId: string): void {
    this.#following.get(sourceId)?.stop.abort();
  }

  /** Stops to follow the others. */
  keep(isUsed: (sourceId: string) => boolean): void {
    for (const [sourceId, { stop }] of this.#following) if (!isUsed(sourceId)) stop.abort();
  }

  /** Resolves when none is followed any more. */
  async close(): Promise<void> {
    for (const { stop } of this.#following.values()) stop.abort();
    await Promise.all([...this.#following.values()].map(({ ended }) => ended));
  }

  async #follow(sourceId: string, follow: Follow, signal: AbortSignal): Promise<void> {
    const { clock, random, limits, tell, onFailure } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      const { error, hadNews } = await this.#followOnce(sourceId, follow, signal);
      if (signal.aborted) return;
      if (isFinalForPeer(error.code)) {
        this.stop(sourceId);
        onFailure(sourceId, error);
        tell({ on: 'source_failed', sourceId, code: error.code });
        return;
      }
      failures = hadNews ? 1 : failures + 1;
      const pauseMs = Math.min(limits.backOffMs * 2 ** (failures - 1) * (0.5 + random.next()), limits.maxBackOffMs);
      await delay(clock, Math.max(pauseMs, error.retryAfterMs ?? 0), signal);
    }
  }

  async #followOnce(
    sourceId: string,
    follow: Follow,
    signal: AbortSignal,
  ): Promise<{ readonly error: TransferError; readonly hadNews: boolean }> {
    const over = new AbortController();
    let lie: TransferError | undefined;
    let hadNews = false;
    const hear = (news: PieceNews): void => {
      if (signal.aborted || lie !== undefined) return;
      lie = lieIn(news, this.#options.pieceCount);
      if (lie === undefined) {
        hadNews = true;
        this.#options.tell({ on: 'pieces_news', sourceId, news });
      } else over.abort();
    };
    const ended = await follow(hear, AbortSignal.any([signal, over.signal])).then(
      () => new TransferError('peer_unreachable', 'Following what a peer holds: it ended the news'),
      (thrown: unknown) => toTransferError(thrown, 'Following what a peer holds'),
    );
    return { error: lie ?? ended, hadNews };
  }
}

/** Undefined for news that can be true of a blob of so many pieces. */
function lieIn(news: PieceNews, pieceCount: number): TransferError | undefined {
  if (news.news === 'holds' && news.bits.length !== Math.ceil(pieceCount / 8))
    return badNews(`${news.bits.length} bytes of bits for ${pieceCount} pieces`);
  const isPiece = (index: number): boolean => Number.isInteger(index) && index >= 0 && index < pieceCount;
  if ((news.news === 'gained' || news.news === 'sent') && !news.indexes.every(isPiece))
    return badNews(`a piece that a blob of ${pieceCount} does not have`);
  if (news.news === 'others' && !(Number.isInteger(news.count) && news.count >= 0))
    return badNews('a count that is none');
  return undefined;
}

function badNews(what: string): TransferError {
  return new TransferError('bad_response', `Following what a peer holds: ${what}`);
}
