/** Holds back models whose files may still be growing. Spec: docs/spec/08-inventory.md §7.2. */
import type { Clock } from '../core/index.ts';
import { stateKey } from './file-state.ts';
import type { FoundModel } from './found-model.ts';

interface Observed {
  readonly state: string;
  readonly sinceMs: number;
}

export class SettleGate {
  readonly #clock: Clock;
  readonly #settleMs: number;
  readonly #observed = new Map<string, Observed>();

  constructor(clock: Clock, settleMs: number) {
    this.#clock = clock;
    this.#settleMs = settleMs;
  }

  /** How many are held back. */
  get heldCount(): number {
    return this.#observed.size;
  }

  /**
   * True for a model whose files are older than the settle time, or have been seen unchanged for as long: the second
   * rule is for files that carry a time of the future.
   */
  isSettled(model: FoundModel): boolean {
    const newestMs = model.files.reduce(
      (newest, { fingerprint }) => Math.max(newest, Number(fingerprint.mtimeNs / 1_000_000n)),
      0,
    );
    const ageMs = this.#clock.nowMs() - newestMs;
    if (ageMs >= this.#settleMs) return this.#release(model);
    const state = model.files.map(({ fingerprint }) => stateKey(fingerprint)).join('\n');
    const observed = this.#observed.get(model.key);
    const nowMs = this.#clock.monotonicMs();
    if (observed?.state === state && nowMs - observed.sinceMs >= this.#settleMs) return this.#release(model);
    if (observed?.state !== state) this.#observed.set(model.key, { state, sinceMs: nowMs });
    return false;
  }

  /** Forgets what a scan no longer met. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#observed.keys()) if (!keys.has(key)) this.#observed.delete(key);
  }

  #release(model: FoundModel): true {
    this.#observed.delete(model.key);
    return true;
  }
}
