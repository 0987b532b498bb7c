import { describe, expect, test } from 'vitest';
import { CoreError, Emitter, formatBytes, isSha256, parseNodeId, parseSha256, seededRandom } from './index.ts';

describe('parseSha256()', () => {
  test('takes a prefix and upper case, gives lower case', () => {
    expect(parseSha256(`sha256:${'AB'.repeat(32)}`)).toBe('ab'.repeat(32));
  });

  test.each(['', 'unknown', '0'.repeat(64), 'ab'.repeat(31), `${'ab'.repeat(32)}\n`])('refuses %j', (text) => {
    expect(isSha256(text)).toBe(false);
    expect(() => parseSha256(text)).toThrowError(CoreError);
  });
});

test('an id error carries a code, a kind and whose fault it is', () => {
  expect(() => parseNodeId('nobody')).toThrowError(
    expect.objectContaining({ code: 'invalid_id', kind: 'usage', fault: 'user', retry: false }),
  );
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_960, '1.0 MB'],
  [123_456_789, '123 MB'],
  [5_000_000_000, '5.0 GB'],
])('formatBytes(%d) is %s', (sizeBytes, text) => {
  expect(formatBytes(sizeBytes)).toBe(text);
});

test('a listener that throws stops neither the others nor the emitter', () => {
  const thrown: unknown[] = [];
  const heard: number[] = [];
  const emitter = new Emitter<number>((error) => thrown.push(error));
  emitter.on(() => {
    throw new Error('listener');
  });
  const stop = emitter.on((event) => heard.push(event));
  emitter.emit(1);
  stop();
  emitter.emit(2);
  expect([heard, thrown.length]).toEqual([[1], 2]);
});

test('a seeded random replays', () => {
  const [one, two] = [seededRandom(7), seededRandom(7)];
  const draws = Array.from({ length: 50 }, () => one.next());
  expect(Array.from({ length: 50 }, () => two.next())).toEqual(draws);
  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
});
