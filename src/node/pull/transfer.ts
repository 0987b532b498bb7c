/**
 * One pull as its user sees it: a request id, a state, what has come and from whom, and an end that is awaited.
 * States: Pending → Downloading → Verifying → Completed, or Failed; Cancelled from any before the end; Paused from any
 * before the end, and back. While nobody who has the model can be reached, `waiting` says so.
 */
import { type Clock, CoreError, Emitter, every, type RequestId } from '../../core/index.ts';
import type { TransferWish } from '../../transfer/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { type Askable, holdersOf, isAskable, nobodyHeardOf, PEERS_FIRST_MS, waitForHolder } from './holder-wait.ts';
import { isInterruption, pauseAfter } from './interruption.ts';
import type { PullTarget } from './ports.ts';
import { type PullModelDeps, pullModel, tellKnown } from './pull-model.ts';
import { type PeerShare, PullProgress } from './pull-progress.ts';
import {
  isEnded,
  type TransferFailure,
  type TransferSnapshot,
  type TransferState,
  toFailure,
  type Waiting,
} from './transfer-snapshot.ts';

/** How a pull goes on: what an earlier run of this program knew of it. */
export interface TransferPast {
  readonly isPaused: boolean;
  readonly wish: TransferWish;
  readonly startedAtMs: number;
  readonly bytesDownloaded: number;
  readonly peers: readonly PeerShare[];
}

/** Holds an attempt back. */
export type Ready = (signal: AbortSignal) => Promise<void>;

export class Transfer {
  readonly requestId: RequestId;
  readonly events = new Emitter<TransferSnapshot>();
  readonly #clock: Clock;
  readonly #progress: PullProgress;
  readonly #abort = new AbortController();
  readonly #startedAtMs: number;
  readonly #startedMonotonicMs: number;
  #endedMonotonicMs: number | undefined;
  /** As the holders that are asked describe it. */
  #target: PullTarget;
  #wish: TransferWish;
  #state: TransferState = 'Pending';
  #path: string | undefined;
  #error: TransferFailure | undefined;
  #alreadyHere = false;
  #isPauseWanted: boolean;
  /** Ends the work under way, and not the transfer. */
  #attempt = new AbortController();
  #resumed = Promise.withResolvers<void>();
  readonly #aborted = Promise.withResolvers<never>();
  #isWaiting = false;
  #lastByteMs: number;

  constructor(requestId: RequestId, target: PullTarget, clock: Clock, past: Partial<TransferPast> = {}) {
    this.requestId = requestId;
    this.#target = target;
    this.#clock = clock;
    this.#startedAtMs = past.startedAtMs ?? clock.nowMs();
    this.#startedMonotonicMs = clock.monotonicMs();
    this.#lastByteMs = this.#startedMonotonicMs;
    this.#wish = past.wish ?? {};
    this.#isPauseWanted = past.isPaused ?? false;
    if (this.#isPauseWanted) this.#state = 'Paused';
    this.#progress = new PullProgress(past.peers, past.bytesDownloaded);
    this.#aborted.promise.catch(() => {});
  }

  get target(): PullTarget {
    return this.#target;
  }

  get isOver(): boolean {
    return isEnded(this.#state);
  }

  get wish(): TransferWish {
    return this.#wish;
  }

  set wish(wish: TransferWish) {
    this.#wish = wish;
    this.events.emit(this.snapshot());
  }

  /** Once. Never rejects: how it ended is in the snapshot. `ready` may hold the start back. */
  async run(deps: PullModelDeps, ready: Ready): Promise<TransferSnapshot> {
    const stopTicking = this.#tick();
    try {
      this.#path = await deps.models.pathOf(this.target.entry);
      this.#alreadyHere = this.#path !== undefined;
      if (!this.#alreadyHere) await tellKnown(deps, this.target);
      this.#path ??= await this.#pullThrough(deps, ready);
      this.#end('Completed');
    } catch (thrown) {
      this.#error = toFailure(thrown, this.#progress.mirrors());
      this.#end(this.#abort.signal.aborted ? 'Cancelled' : 'Failed');
    } finally {
      stopTicking();
    }
    return this.snapshot();
  }

  /** Stops it; the part is kept. Nothing happens to one that is over. */
  cancel(): void {
    this.#abort.abort(new CoreError('cancelled', 'The transfer was cancelled; what arrived is kept'));
    this.#aborted.reject(this.#abort.signal.reason);
  }

  /** Resolves when it is over. */
  untilOver(): Promise<void> {
    return this.#until(() => this.isOver);
  }

  /** Resolves when nothing of it moves any more, or it is over. The part is kept. */
  async pause(): Promise<void> {
    if (this.isOver) return;
    this.#isPauseWanted = true;
    this.#attempt.abort(new CoreError('cancelled', 'The transfer was paused; what arrived is kept'));
    await this.#until(() => this.#state === 'Paused' || this.isOver || !this.#isPauseWanted);
  }

  /** Nothing happens to one that is not paused. */
  resume(): void {
    if (!this.#isPauseWanted) return;
    this.#isPauseWanted = false;
    this.#resumed.resolve();
    this.#resumed = Promise.withResolvers();
    if (this.#state === 'Paused') this.#state = 'Pending';
    this.events.emit(this.snapshot());
  }

  snapshot(): TransferSnapshot {
    const endMs = this.#endedMonotonicMs ?? this.#clock.monotonicMs();
    const { size_bytes } = this.target.entry;
    const waiting = this.#waiting();
    const moves = !this.isOver && this.#state !== 'Paused' && waiting === undefined;
    return {
      requestId: this.requestId,
      entry: this.target.entry,
      state: this.#state,
      waiting,
      wish: this.#wish,
      bytesDownloaded: this.#alreadyHere ? size_bytes : this.#progress.verifiedBytes,
      totalBytes: this.#progress.totalBytes || size_bytes,
      rateBytesPerSecond: moves ? this.#progress.rateBytesPerSecond : 0,
      etaSeconds: moves ? this.#progress.etaSeconds : null,
      peers: this.#progress.peers(),
      mirrors: this.#progress.mirrors(),
      difference: this.#progress.difference,
      path: this.#path,
      startedAtMs: this.#startedAtMs,
      durationMs: Math.round(endMs - this.#startedMonotonicMs),
      error: this.#error,
      alreadyHere: this.#alreadyHere,
    };
  }

  /** Waiting is what a download does by itself for a while, and this transfer after it: counted from the last byte. */
  #waiting(): Waiting | undefined {
    if (this.isOver || this.#state === 'Paused' || !(this.#isWaiting || this.#progress.isSilent)) return undefined;
    return { leftMs: this.#patienceMs };
  }

  get #patienceMs(): number {
    return Math.max(0, this.#lastByteMs + NODE_LIMITS.resumePatienceMs - this.#clock.monotonicMs());
  }

  /** Attempt after attempt, over pauses and the network's absence. `ready` holds back the first. */
  async #pullThrough(deps: PullModelDeps, ready: Ready): Promise<string> {
    let next = ready;
    for (let fruitless = 0; ; ) {
      await this.#untilResumed();
      const before = this.#progress.receivedBytes;
      try {
        return await this.#pull(deps, next, AbortSignal.any([this.#abort.signal, this.#attempt.signal]));
      } catch (thrown) {
        fruitless = this.#progress.receivedBytes > before ? 0 : fruitless + 1;
        next = this.#nextAttempt(deps, thrown, fruitless);
      } finally {
        this.#progress.settle();
      }
    }
  }

  /** What to wait for before the next attempt. Throws when there is none. */
  #nextAttempt(askable: Askable, thrown: unknown, fruitless: number): Ready {
    this.#abort.signal.throwIfAborted();
    if (thrown instanceof PatienceOver) throw thrown.cause;
    const wasPaused = this.#attempt.signal.aborted;
    if (!wasPaused && !this.#isInterrupted(thrown)) throw thrown;
    const over = wasPaused ? nobodyHeardOf(this.#target) : thrown;
    const giveUp = (): Error => new PatienceOver('nobody came', { cause: over });
    return async (signal) => {
      if (wasPaused && isAskable(askable, this.#target)) return;
      await this.#waitForHolder(askable, wasPaused ? 0 : pauseAfter(fruitless), giveUp, signal);
    };
  }

  /** One that never had a byte has nothing to go on with: its user had better know at once. */
  #isInterrupted(thrown: unknown): boolean {
    return this.#progress.verifiedBytes > 0 && isInterruption(thrown);
  }

  async #waitForHolder(askable: Askable, pauseMs: number, giveUp: () => Error, signal: AbortSignal): Promise<void> {
    const { view, pieceHashes } = askable;
    const whom = { view, pieceHashes, target: this.#target };
    const wait = { ...whom, clock: this.#clock, pauseMs, patienceMs: this.#patienceMs, giveUp };
    this.#isWaiting = true;
    this.events.emit(this.snapshot());
    await waitForHolder(wait, signal).finally(() => {
      this.#isWaiting = false;
    });
  }

  /** The wait of a pull that a restart interrupted; a mirror is no reason to ask no peers. Throws NodeError `holder_offline` when nobody comes. */
  async awaitHolder(askable: Askable, signal: AbortSignal): Promise<void> {
    if (holdersOf(askable.view, this.#target).size > 0) return;
    await this.#waitForHolder(askable, PEERS_FIRST_MS, () => nobodyHeardOf(this.#target), signal);
  }

  async #untilResumed(): Promise<void> {
    while (this.#isPauseWanted) {
      this.#become('Paused');
      await Promise.race([this.#resumed.promise, this.#aborted.promise]);
    }
    if (!this.#attempt.signal.aborted) return;
    this.#attempt = new AbortController();
    this.#lastByteMs = this.#clock.monotonicMs();
  }

  async #pull(deps: PullModelDeps, ready: Ready, signal: AbortSignal): Promise<string> {
    await ready(signal);
    signal.throwIfAborted();
    if (this.#state !== 'Downloading') this.#become('Downloading');
    const asked = this.#target;
    try {
      return await this.#pullAs(deps, asked, signal);
    } catch (thrown) {
      for (const other of deps.view.otherClaims?.(asked) ?? []) {
        if (signal.aborted) break;
        const path = await this.#pullAs(deps, other, signal).catch(() => undefined);
        if (path !== undefined) return path;
      }
      this.#target = asked;
      throw thrown;
    }
  }

  /** Only the digest is beyond doubt: the size and root are the word of those who are asked. */
  #pullAs(deps: PullModelDeps, target: PullTarget, signal: AbortSignal): Promise<string> {
    this.#target = target;
    return pullModel(deps, target, this.#progress, signal);
  }

  #tick(): () => void {
    let received = 0;
    return every(this.#clock, TICK_MS, () => {
      const moves = this.#progress.receivedBytes > received || this.#progress.isMoving;
      if (moves) this.#lastByteMs = this.#clock.monotonicMs();
      received = this.#progress.receivedBytes;
      if (this.#progress.isVerifying && this.#state === 'Downloading') this.#become('Verifying');
      else if (this.#state !== 'Pending' && this.#state !== 'Paused') this.events.emit(this.snapshot());
    });
  }

  #until(isSo: () => boolean): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.events.on(() => {
        if (!isSo()) return;
        stop();
        resolve();
      });
    });
  }

  #become(state: TransferState): void {
    this.#state = state;
    this.events.emit(this.snapshot());
  }

  #end(state: TransferState): void {
    this.#endedMonotonicMs = this.#clock.monotonicMs();
    this.#become(state);
  }
}

/** Nobody came while the patience lasted; why anybody was waited for is the cause. */
class PatienceOver extends Error {}

/** How often watchers are told. */
const TICK_MS = 100;
