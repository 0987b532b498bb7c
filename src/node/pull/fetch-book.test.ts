import { expect, test } from 'vitest';
import type { Sha256 } from '../../core/index.ts';
import { FetchBook } from './fetch-book.ts';

const digest = (name: string): Sha256 => name.repeat(64) as Sha256;
const [A, B, C, D] = ['a', 'b', 'c', 'd'].map(digest) as [Sha256, Sha256, Sha256, Sha256];

test('newest() has what each pull is named by, then files, the newest first, and only so many', () => {
  const book = new FetchBook();
  const first = book.begin(A);
  first.add(B);
  first.add(C);
  const second = book.begin(D);
  second.add(B);
  expect(book.newest(32)).toEqual([D, A, B, C]);
  expect(book.newest(2)).toEqual([D, A]);
  first[Symbol.dispose]();
  expect(book.newest(32)).toEqual([D, B]);
  expect([A, B, C].map((sha256) => book.has(sha256))).toEqual([false, true, false]);
});

test('changes are told once each, and nothing after the end', () => {
  const book = new FetchBook();
  let calls = 0;
  book.changes.on(() => {
    calls += 1;
  });
  const pull = book.begin(A);
  pull.add(B);
  pull.add(B);
  pull[Symbol.dispose]();
  pull[Symbol.dispose]();
  pull.add(C);
  expect([calls, book.newest(32)]).toEqual([3, []]);
});
