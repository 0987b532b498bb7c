/**
 * How much each member moved today (UTC), against the quota. Spec: docs/spec/13-relay.md §6.2. Counted in memory and
 * kept now and then: what a crash forgets is to the member's good.
 */
import { z } from 'zod';
import type { UsageOfDay } from './ports.ts';

const DAY_MS = 86_400_000;
const kept = z.object({
  day: z.number().int().nonnegative(),
  bytes: z.record(z.string().max(100), z.number().int().nonnegative()),
});

export interface LedgerRules {
  /** Undefined: counted, never refused. */
  readonly quotaBytes: number | undefined;
  readonly maxMembers: number;
}

export class UsageLedger {
  readonly #rules: LedgerRules;
  readonly #bytes = new Map<string, number>();
  #day: number;
  #isChanged = false;
  #totalBytes = 0;

  /** Goes on from what was kept, when it is of this day and has the form. */
  constructor(rules: LedgerRules, stored: unknown, nowMs: number) {
    this.#rules = rules;
    this.#day = dayOf(nowMs);
    const usage = kept.safeParse(stored).data;
    if (usage?.day !== this.#day) return;
    for (const [member, bytes] of Object.entries(usage.bytes).slice(0, rules.maxMembers))
      this.#bytes.set(member, bytes);
  }

  /** Counts, and says whether the member may go on. */
  spend(member: string, bytes: number, nowMs: number): boolean {
    this.#turn(nowMs);
    this.#totalBytes += bytes;
    const { quotaBytes = Number.POSITIVE_INFINITY } = this.#rules;
    // One that there is no room to count would never come to its quota.
    if (!this.#isCounted(member)) return quotaBytes === Number.POSITIVE_INFINITY;
    const total = (this.#bytes.get(member) ?? 0) + bytes;
    this.#bytes.set(member, total);
    this.#isChanged = true;
    return total <= quotaBytes;
  }

  /** Milliseconds until the member may ask again; 0 when it may now. */
  waitMs(member: string, nowMs: number): number {
    this.#turn(nowMs);
    const { quotaBytes = Number.POSITIVE_INFINITY } = this.#rules;
    const isFree = quotaBytes === Number.POSITIVE_INFINITY;
    if (isFree || (this.#isCounted(member) && (this.#bytes.get(member) ?? 0) < quotaBytes)) return 0;
    // After a clock that was set back the next day may be far: nobody is told to wait longer than one.
    return Math.min((this.#day + 1) * DAY_MS - nowMs, DAY_MS);
  }

  /** Of this day, by member. */
  usage(nowMs: number): ReadonlyMap<string, number> {
    this.#turn(nowMs);
    return this.#bytes;
  }

  /** Since it was made, of all. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** What is to be kept; undefined when it is the same as at the last call. */
  takeChanges(): UsageOfDay | undefined {
    if (!this.#isChanged) return undefined;
    this.#isChanged = false;
    return { day: this.#day, bytes: Object.fromEntries(this.#bytes) };
  }

  #isCounted(member: string): boolean {
    return this.#bytes.has(member) || this.#bytes.size < this.#rules.maxMembers;
  }

  /** A clock set back gives nobody a second quota. */
  #turn(nowMs: number): void {
    const day = dayOf(nowMs);
    if (day <= this.#day) return;
    this.#day = day;
    this.#bytes.clear();
    this.#isChanged = true;
  }
}

function dayOf(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS);
}
