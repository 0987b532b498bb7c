import type { Clock } from '../core/index.ts';

/** Whether it has settled by then; false leaves it going on by itself. It must not reject. */
export function isWithin(settled: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false));
    void settled.then(() => {
      cancel();
      resolve(true);
    });
  });
}
