/** Events pushed by one side, read in order by another that may be slower; ends by itself when the reader goes. */
export interface EventQueue<Event> extends AsyncIterable<Event> {
  push(event: Event): void;
  end(): void;
}

/** Kept for a reader that does not keep up; the oldest goes, for every event tells the whole state. */
const MAX_WAITING = 1000;

export function eventQueue<Event>(signal: AbortSignal): EventQueue<Event> {
  const waiting: Event[] = [];
  let isEnded = signal.aborted;
  let wake = (): void => {};
  const end = (): void => {
    isEnded = true;
    wake();
  };
  signal.addEventListener('abort', end, { once: true });
  async function* read(): AsyncGenerator<Event> {
    for (;;) {
      for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) yield event;
      if (isEnded) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  }
  return {
    push(event) {
      if (isEnded) return;
      waiting.push(event);
      if (waiting.length > MAX_WAITING) waiting.shift();
      wake();
    },
    end,
    [Symbol.asyncIterator]: read,
  };
}
