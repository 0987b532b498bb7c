import { expect, test } from 'vitest';
import { nextTurn } from '../../testkit/eventually.ts';
import { Turns } from './turns.ts';

test('take() runs so many at once, the others in the order they came', async () => {
  const turns = new Turns(1);
  const { signal } = new AbortController();
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const work = (name: string, until?: Promise<void>) => async () => {
    order.push(name);
    await until;
  };
  const all = [
    turns.take(work('a', first.promise), signal),
    turns.take(work('b'), signal),
    turns.take(work('c'), signal),
  ];
  await nextTurn();
  expect(order).toEqual(['a']);
  first.resolve();
  await Promise.all(all);
  expect(order).toEqual(['a', 'b', 'c']);
});

test('one that is called off while it waits takes nobody’s place', async () => {
  const turns = new Turns(1);
  const first = Promise.withResolvers<void>();
  const off = new AbortController();
  const { signal } = new AbortController();
  const running = turns.take(() => first.promise, signal);
  const waiting = turns.take(async () => 'never', off.signal);
  const next = turns.take(async () => 'next', signal);
  off.abort(new Error('called off'));
  await expect(waiting).rejects.toThrow('called off');
  first.resolve();
  await running;
  expect(await next).toBe('next');
  await expect(turns.take(async () => Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
  expect(await turns.take(async () => 'after', signal)).toBe('after');
});
