/** How far a download is: what people see, and what the node publishes as states. Spec: docs/spec/10-transfer.md §7. */
import type { TransferErrorCode } from './errors.ts';
import type { SourceOutcome } from './source-stats.ts';

export type DownloadState = 'pending' | 'downloading' | 'verifying' | 'completed' | 'failed' | 'cancelled';

export interface DownloadProgress {
  readonly state: DownloadState;
  readonly sizeBytes: number;
  /** Verified, those of earlier runs included. */
  readonly verifiedBytes: number;
  /** Verified in this run. */
  readonly receivedBytes: number;
  /** How far the whole digest is. */
  readonly hashedBytes: number;
  readonly rateBytesPerSecond: number;
  /** Undefined while nothing moves. */
  readonly etaMs: number | undefined;
  readonly sources: readonly SourceOutcome[];
}

export type DownloadEvent =
  | { readonly on: 'state'; readonly state: DownloadState }
  | { readonly on: 'progress'; readonly progress: DownloadProgress }
  /** Verified and written: can be served to others. */
  | { readonly on: 'piece'; readonly index: number }
  | { readonly on: 'source_failed'; readonly sourceId: string; readonly code: TransferErrorCode };

const HALF_LIFE_MS = 2_000;

/** A rate that forgets: what came in the last seconds counts most. */
export class RateMeter {
  #rate = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  add(bytes: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs <= 0) return;
    const keep = this.#rate === 0 ? 0 : 0.5 ** (elapsedMs / HALF_LIFE_MS);
    this.#rate = this.#rate * keep + ((bytes * 1000) / elapsedMs) * (1 - keep);
    this.#atMs = nowMs;
  }

  get bytesPerSecond(): number {
    return this.#rate;
  }
}
