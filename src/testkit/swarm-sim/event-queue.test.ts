import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

it('fires by time, and by order of entry within one time', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (times) => {
      const queue = new EventQueue();
      const fired: { at: number; entry: number }[] = [];
      times.forEach((at, entry) => {
        queue.at(at, { fire: () => fired.push({ at: queue.nowMs, entry }) });
      });
      while (queue.step());
      const wanted = times.map((at, entry) => ({ at, entry })).sort((a, b) => a.at - b.at || a.entry - b.entry);
      expect(fired).toEqual(wanted);
    }),
  );
});

it('takes more tasks while it fires, also more than it had room for', () => {
  const queue = new EventQueue();
  let left = 5000;
  const task = {
    fire: () => {
      for (let twice = 0; twice < 2 && left > 0; twice += 1, left -= 1) queue.after(1, task);
    },
  };
  queue.after(0, task);
  while (queue.step());
  expect(queue.fired).toBe(5001);
});
