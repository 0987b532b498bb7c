/** Bytes a second of late: what moved counts half after a second. Pure but for its own numbers. */
const HALF_LIFE_MS = 1000;

export class BytesMeter {
  #weight = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  add(bytes: number, nowMs: number): void {
    this.#decay(nowMs);
    this.#weight += bytes;
  }

  rate(nowMs: number): number {
    this.#decay(nowMs);
    return (this.#weight * Math.LN2 * 1000) / HALF_LIFE_MS;
  }

  #decay(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
    this.#weight *= 0.5 ** (passedMs / HALF_LIFE_MS);
  }
}
