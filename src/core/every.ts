import type { Clock } from './clock.ts';

/** Calls back again and again; the returned function ends it, also from within the callback. */
export function every(clock: Clock, periodMs: number, callback: () => void): () => void {
  let cancel = (): void => {};
  const next = (): void => {
    cancel = clock.after(periodMs, () => {
      next();
      callback();
    });
  };
  next();
  return () => cancel();
}
