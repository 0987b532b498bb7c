/**
 * Whose turn it is to be made: one difference at a time, a short line behind it, so many for one peer in an hour; what nobody asks for
 * any more is given up. What a peer controls: which of the pairs that the desk lets through it asks for, and how often.
 * Spec: docs/spec/22-differences.md §7.4.
 */
import { type Clock, type Logger, messageOf, type Sha256 } from '../../core/index.ts';
import { NODE_LIMITS } from '../limits.ts';

export interface Pair {
  readonly base: Sha256;
  readonly target: Sha256;
}

/** Makes and keeps one. False where it is not worth it. */
export type MakeDifference = (
  pair: Pair,
  onPercent: (percent: number) => void,
  signal: AbortSignal,
) => Promise<boolean>;

export interface DifferenceMakerOptions {
  readonly make: MakeDifference;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Job extends Pair {
  readonly abort: AbortController;
  percent: number;
  askedAtMs: number;
}

export class DifferenceMaker implements AsyncDisposable {
  readonly #options: DifferenceMakerOptions;
  /** The first is being made. */
  readonly #line = new Map<string, Job>();
  readonly #inVain = new Set<string>();
  /** When each peer's were begun. */
  readonly #begun = new Map<string, number[]>();
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: DifferenceMakerOptions) {
    this.#options = options;
  }

  /** How far it is; undefined where it is not in the line. Whoever asks keeps it there. */
  percentOf(pair: Pair): number | undefined {
    const job = this.#line.get(keyOf(pair));
    if (job === undefined) return undefined;
    job.askedAtMs = this.#options.clock.monotonicMs();
    return job.percent;
  }

  /** None of it came to anything before. */
  isInVain(pair: Pair): boolean {
    return this.#inVain.has(keyOf(pair));
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** Puts it in the line. False where that is full, or the peer has had its share. */
  begin(pair: Pair, account: string): boolean {
    if (this.#line.has(keyOf(pair))) return true;
    if (this.#isClosed || this.#line.size > NODE_LIMITS.differencesWaiting || !this.#spend(account)) return false;
    const askedAtMs = this.#options.clock.monotonicMs();
    this.#line.set(keyOf(pair), { ...pair, abort: new AbortController(), percent: 0, askedAtMs });
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const { abort } of this.#line.values()) abort.abort();
    await this.#running;
  }

  #spend(account: string): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const isRecent = (atMs: number) => nowMs - atMs < NODE_LIMITS.differencesPerPeerMs;
    const begun = (this.#begun.get(account) ?? []).filter(isRecent);
    if (begun.length >= NODE_LIMITS.differencesPerPeer) return false;
    this.#begun.delete(account);
    this.#begun.set(account, [...begun, nowMs]);
    for (const oldest of this.#begun.keys()) {
      if (this.#begun.size <= NODE_LIMITS.differencePeersCounted) break;
      this.#begun.delete(oldest);
    }
    return true;
  }

  async #work(): Promise<void> {
    for (let job = this.#first(); job !== undefined; job = this.#first()) {
      const stopWatching = this.#giveUpUnasked(job);
      try {
        await this.#make(job);
      } finally {
        stopWatching();
        this.#line.delete(keyOf(job));
      }
    }
  }

  /** Those that nobody asked for while they waited are left out. */
  #first(): Job | undefined {
    for (const [key, job] of this.#line) {
      if (this.#isClosed || this.#leftMs(job) <= 0) this.#line.delete(key);
      else return job;
    }
    return undefined;
  }

  async #make(job: Job): Promise<void> {
    const { make, logger } = this.#options;
    const { base, target, abort } = job;
    const onPercent = (percent: number): void => {
      job.percent = percent;
    };
    try {
      // Not before whoever asked has its answer.
      await Promise.resolve();
      abort.signal.throwIfAborted();
      if (!(await make({ base, target }, onPercent, abort.signal))) this.#noteInVain(job);
    } catch (thrown) {
      if (abort.signal.aborted) return;
      logger.warn({ err: messageOf(thrown), base, target }, 'a difference could not be made');
      this.#noteInVain(job);
    }
  }

  #giveUpUnasked(job: Job): () => void {
    let cancel = (): void => {};
    const look = (): void => {
      const leftMs = this.#leftMs(job);
      if (leftMs <= 0) job.abort.abort();
      else cancel = this.#options.clock.after(leftMs, look);
    };
    look();
    return () => cancel();
  }

  #leftMs({ askedAtMs }: Job): number {
    return askedAtMs + NODE_LIMITS.differenceUnaskedMs - this.#options.clock.monotonicMs();
  }

  #noteInVain(pair: Pair): void {
    this.#inVain.add(keyOf(pair));
    for (const oldest of this.#inVain) {
      if (this.#inVain.size <= NODE_LIMITS.differencesInVain) break;
      this.#inVain.delete(oldest);
    }
  }
}

function keyOf({ base, target }: Pair): string {
  return `${base}:${target}`;
}
