/** Events pushed by one side, read in order by another that may be slower; ends by itself when the reader goes. */
import { NODE_LIMITS } from '../limits.ts';

export interface EventQueue<Event> extends AsyncIterable<Event> {
  push(event: Event): void;
  end(): void;
}

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
      if (waiting.length > NODE_LIMITS.waitingEvents) waiting.shift();
      wake();
    },
    end,
    [Symbol.asyncIterator]: read,
  };
}
