/**
 * How many requests for one blob a node answers at once while several others follow it there. Few: so each piece leaves
 * soon and can be passed on, where all at once would leave at the same late time. More, as long as more together are faster:
 * then it is the readers who are slow. Pure; the server and the simulator have the same. Spec: docs/spec/10-transfer.md §8.
 */
import { PROTOCOL_LIMITS, type ProtocolLimits } from './limits.ts';

/** Answers. */
const SMOOTHED_OVER = 8;

interface Trial {
  /** What was allowed before it. */
  readonly slots: number;
  readonly rate: number;
}

export class UploadSlots {
  readonly #limits: ProtocolLimits;
  #allowed: number;
  /** When each answer began, the oldest first. */
  readonly #places = new Set<{ readonly atMs: number }>();
  #trial: Trial | undefined;
  #restUntilMs = Number.NEGATIVE_INFINITY;
  /** What is measured counts from here. */
  #fromMs: number | undefined;
  #bytes = 0;
  #hasRefused = false;
  /** How long an answer has its place, smoothed. */
  #answerMs = 0;

  constructor(limits: ProtocolLimits = PROTOCOL_LIMITS) {
    this.#limits = limits;
    this.#allowed = limits.uploadSlots;
  }

  /** How many may be answered at once now. */
  get allowed(): number {
    return this.#allowed;
  }

  get taken(): number {
    return this.#places.size;
  }

  /** Returns the function that gives the place back, or undefined where there is none now. */
  enter(nowMs: number): ((nowMs: number) => void) | undefined {
    this.#forgetSlow(nowMs);
    if (this.#places.size >= this.#allowed) {
      this.#hasRefused = true;
      return undefined;
    }
    const place = { atMs: nowMs };
    this.#places.add(place);
    let isIn = true;
    return (leftMs) => {
      if (!isIn) return;
      isIn = false;
      this.#places.delete(place);
      this.#answerMs += (leftMs - nowMs - this.#answerMs) / SMOOTHED_OVER;
    };
  }

  /** A reader that takes its bytes very slowly, or not at all, is answered on and keeps nobody else out. */
  #forgetSlow(nowMs: number): void {
    for (const place of this.#places) {
      if (nowMs - place.atMs < this.#limits.uploadPlaceMs) return;
      this.#places.delete(place);
    }
  }

  /** When it is worth asking again: half of what an answer takes. */
  get retryMs(): number {
    const { uploadRetryMs, maxUploadRetryMs } = this.#limits;
    return Math.round(Math.min(Math.max(this.#answerMs / 2, uploadRetryMs), maxUploadRetryMs));
  }

  /** So many bytes of the blob have left since the last call. */
  sent(bytes: number, nowMs: number): void {
    const { uploadMeasureMs, uploadMeasureBytes } = this.#limits;
    this.#fromMs ??= nowMs;
    const elapsedMs = nowMs - this.#fromMs;
    if (elapsedMs < 0) return;
    this.#bytes += bytes;
    if (elapsedMs < uploadMeasureMs || this.#bytes < uploadMeasureBytes) return;
    this.#judge(this.#bytes / elapsedMs, nowMs);
    this.#bytes = 0;
    this.#hasRefused = false;
  }

  #judge(rate: number, nowMs: number): void {
    const { uploadGain, uploadRestMs, uploadMeasureMs, maxUploadSlots } = this.#limits;
    if (this.#trial !== undefined && rate < this.#trial.rate * (1 + uploadGain)) {
      this.#allowed = this.#trial.slots;
      this.#restUntilMs = nowMs + uploadRestMs;
    }
    this.#trial = undefined;
    this.#fromMs = nowMs;
    if (!this.#hasRefused || nowMs < this.#restUntilMs || this.#allowed >= maxUploadSlots) return;
    this.#trial = { slots: this.#allowed, rate };
    this.#allowed = Math.min(this.#allowed + Math.ceil(this.#allowed / 2), maxUploadSlots);
    // The new ones find their speed first.
    this.#fromMs = nowMs + uploadMeasureMs / 2;
  }
}
