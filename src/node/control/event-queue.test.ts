import { expect, test } from 'vitest';
import { eventQueue } from './event-queue.ts';

async function readAll<T>(events: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

test('events come in order, those pushed before the reader came too', async () => {
  const queue = eventQueue<number>(new AbortController().signal);
  queue.push(1);
  const reading = readAll(queue);
  queue.push(2);
  await Promise.resolve();
  queue.push(3);
  queue.end();
  expect(await reading).toEqual([1, 2, 3]);
});

test('what is pushed after the end is not read', async () => {
  const queue = eventQueue<number>(new AbortController().signal);
  queue.push(1);
  queue.end();
  queue.push(2);
  expect(await readAll(queue)).toEqual([1]);
});

test('an abort ends a reader that waits', async () => {
  const abort = new AbortController();
  const reading = readAll(eventQueue<number>(abort.signal));
  await Promise.resolve();
  abort.abort();
  expect(await reading).toEqual([]);
});

test('a queue for somebody who has gone already is empty', async () => {
  const queue = eventQueue<number>(AbortSignal.abort());
  queue.push(1);
  expect(await readAll(queue)).toEqual([]);
});

test('a reader that does not keep up loses the oldest, never the newest', async () => {
  const queue = eventQueue<number>(new AbortController().signal);
  for (let event = 1; event <= 1500; event += 1) queue.push(event);
  queue.end();
  const seen = await readAll(queue);
  expect([seen.length, seen[0], seen.at(-1)]).toEqual([1000, 501, 1500]);
});
