import { expect, test } from 'vitest';
import { describeWaiting, giversOf, listNames, listShares } from './from-whom.ts';

const peer = (name: string, bytes: number, dropped?: string) => ({
  ...{ node_id: name, name, bytes, failures: 0 },
  ...(dropped === undefined ? {} : { dropped }),
});

test('mirrors count beside peers, most first; who gave nothing or was dropped does not', () => {
  const givers = giversOf({
    peers: [peer('a', 10), peer('liar', 90, 'bad_piece'), peer('idle', 0)],
    mirrors: [{ name: 'mirror https://nas.lan', bytes: 30, failures: 1 }],
  });
  expect(listShares(givers)).toBe('mirror https://nas.lan 75%, a 25%');
  expect(giversOf({})).toEqual([]);
});

test('one alone has no share, many are counted, and none can write to the terminal', () => {
  expect(listShares([{ name: 'a', bytes: 7 }])).toBe('a');
  expect(listNames(['a', 'b', 'c', 'd'])).toBe('a, b, c, d');
  expect(listNames(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
  expect(listNames(['evil\u001b[2J'])).not.toContain('\u001b');
});

test('who waits is told why mirrors gave nothing', () => {
  const given = (bytes: number) => [{ name: 'mirror https://nas.lan', bytes, failures: 1, reason: 'status\u001b 403' }];
  expect(describeWaiting(61, { mirrors: given(0) })).toMatch(/^waiting for .*left\); mirror https:\/\/nas.lan: status/);
  expect(describeWaiting(61, { mirrors: given(0) })).not.toContain('\u001b');
  expect(describeWaiting(61, { mirrors: given(5) })).not.toContain('mirror');
  expect(describeWaiting(61, {})).not.toContain('mirror');
});
