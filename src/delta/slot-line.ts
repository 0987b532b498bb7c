/**
 * Blocks under way: worked on at the same time, finished in the order in which they were handed in. After the first failure
 * nothing is finished any more and every call throws it.
 */
export class SlotLine {
  readonly #free: number[];
  #waiting: PromiseWithResolvers<void> | undefined;
  #tail: Promise<void> = Promise.resolve();
  #failure: { readonly thrown: unknown } | undefined;

  constructor(slots: number) {
    this.#free = Array.from({ length: slots }, (_, index) => slots - 1 - index);
  }

  /** A slot that nobody uses. */
  async take(): Promise<number> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.thrown;
      const slot = this.#free.pop();
      if (slot !== undefined) return slot;
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
    }
  }

  /** `finish` runs when the work is done and everything handed in before is finished; then the slot is free. */
  hand<Result>(slot: number, work: Promise<Result>, finish: (result: Result) => Promise<void>): void {
    const before = this.#tail;
    work.catch(() => {});
    this.#tail = (async () => {
      await before;
      try {
        const result = await work;
        if (this.#failure === undefined) await finish(result);
      } catch (thrown) {
        this.#failure ??= { thrown };
      }
      this.#free.push(slot);
      this.#waiting?.resolve();
    })();
  }

  /** Resolves when all that was handed in is finished; throws what failed. */
  async drained(): Promise<void> {
    await this.#tail;
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }

  /** Resolves when no slot is in use by work handed in, failed or not. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
