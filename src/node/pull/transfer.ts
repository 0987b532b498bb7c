/**
 * One pull as its user sees it: a request id, a state, what has come and from whom, and an end that is awaited.
 * States: Pending → Downloading → Verifying → Completed, or Failed, or Cancelled from any before the end.
 */
import {
  AtmosphereError,
  type Clock,
  CoreError,
  Emitter,
  messageOf,
  type NodeId,
  type RequestId,
} from '../../core/index.ts';
import type { ModelEntry } from '../../protocol/index.ts';
import type { PullTarget, TransferRow } from './ports.ts';
import { type PullModelDeps, pullModel } from './pull-model.ts';
import { PullProgress } from './pull-progress.ts';

export type TransferState = TransferRow['state'];

export function isEnded(state: TransferState): boolean {
  return state === 'Completed' || state === 'Failed' || state === 'Cancelled';
}

export interface TransferFailure {
  readonly code: string;
  readonly message: string;
  readonly kind: string;
}

/** A view of one moment. */
export interface TransferSnapshot {
  readonly requestId: RequestId;
  readonly entry: ModelEntry;
  readonly state: TransferState;
  readonly bytesDownloaded: number;
  readonly totalBytes: number;
  readonly rateBytesPerSecond: number;
  readonly etaSeconds: number | null;
  readonly peers: readonly {
    readonly nodeId: NodeId;
    readonly bytes: number;
    readonly failures: number;
    readonly dropped: string | undefined;
  }[];
  readonly path: string | undefined;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly error: TransferFailure | undefined;
  /** Nothing had to move. */
  readonly alreadyHere: boolean;
}

export class Transfer {
  readonly requestId: RequestId;
  readonly events = new Emitter<TransferSnapshot>();
  readonly #clock: Clock;
  readonly #progress = new PullProgress();
  readonly #abort = new AbortController();
  readonly #startedAtMs: number;
  readonly #startedMonotonicMs: number;
  #endedMonotonicMs: number | undefined;
  /** As the holders that are asked describe it. */
  #target: PullTarget;
  #state: TransferState = 'Pending';
  #path: string | undefined;
  #error: TransferFailure | undefined;
  #alreadyHere = false;

  constructor(requestId: RequestId, target: PullTarget, clock: Clock) {
    this.requestId = requestId;
    this.#target = target;
    this.#clock = clock;
    this.#startedAtMs = clock.nowMs();
    this.#startedMonotonicMs = clock.monotonicMs();
  }

  get target(): PullTarget {
    return this.#target;
  }

  get isOver(): boolean {
    return isEnded(this.#state);
  }

  /** Once. Never rejects: how it ended is in the snapshot. `ready` may hold the start back. */
  async run(deps: PullModelDeps, ready: (signal: AbortSignal) => Promise<void>): Promise<TransferSnapshot> {
    const stopTicking = this.#tick();
    try {
      this.#path = await deps.models.pathOf(this.target.entry);
      this.#alreadyHere = this.#path !== undefined;
      this.#path ??= await this.#pull(deps, ready);
      this.#end('Completed');
    } catch (thrown) {
      this.#error = toFailure(thrown);
      this.#end(this.#abort.signal.aborted ? 'Cancelled' : 'Failed');
    } finally {
      stopTicking();
    }
    return this.snapshot();
  }

  /** Stops it; the part is kept. Nothing happens to one that is over. */
  cancel(): void {
    this.#abort.abort(new CoreError('cancelled', 'The transfer was cancelled; what arrived is kept'));
  }

  snapshot(): TransferSnapshot {
    const endMs = this.#endedMonotonicMs ?? this.#clock.monotonicMs();
    const { size_bytes } = this.target.entry;
    return {
      requestId: this.requestId,
      entry: this.target.entry,
      state: this.#state,
      bytesDownloaded: this.#alreadyHere ? size_bytes : this.#progress.verifiedBytes,
      totalBytes: this.#progress.totalBytes || size_bytes,
      rateBytesPerSecond: this.isOver ? 0 : this.#progress.rateBytesPerSecond,
      etaSeconds: this.isOver ? null : this.#progress.etaSeconds,
      peers: this.#progress.peers(),
      path: this.#path,
      startedAtMs: this.#startedAtMs,
      durationMs: Math.round(endMs - this.#startedMonotonicMs),
      error: this.#error,
      alreadyHere: this.#alreadyHere,
    };
  }

  async #pull(deps: PullModelDeps, ready: (signal: AbortSignal) => Promise<void>): Promise<string> {
    await ready(this.#abort.signal);
    this.#abort.signal.throwIfAborted();
    this.#become('Downloading');
    const asked = this.#target;
    try {
      return await this.#pullAs(deps, asked);
    } catch (thrown) {
      for (const other of deps.view.otherClaims?.(asked) ?? []) {
        if (this.#abort.signal.aborted) break;
        const path = await this.#pullAs(deps, other).catch(() => undefined);
        if (path !== undefined) return path;
      }
      this.#target = asked;
      throw thrown;
    }
  }

  /** Only the digest is beyond doubt: the size and root are the word of those who are asked. */
  #pullAs(deps: PullModelDeps, target: PullTarget): Promise<string> {
    this.#target = target;
    return pullModel(deps, target, this.#progress, this.#abort.signal);
  }

  #tick(): () => void {
    let stop = (): void => {};
    const again = (): void => {
      if (this.#progress.isVerifying && this.#state === 'Downloading') this.#become('Verifying');
      else if (this.#state !== 'Pending') this.events.emit(this.snapshot());
      stop = this.#clock.after(TICK_MS, again);
    };
    stop = this.#clock.after(TICK_MS, again);
    return () => stop();
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

/** How often watchers are told. */
const TICK_MS = 100;

function toFailure(thrown: unknown): TransferFailure {
  const message = messageOf(thrown);
  if (thrown instanceof AtmosphereError) return { code: thrown.code, message, kind: thrown.kind };
  return { code: 'internal', message, kind: 'internal' };
}
