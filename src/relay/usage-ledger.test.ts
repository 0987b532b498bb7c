import { expect, test } from 'vitest';
import { UsageLedger } from './usage-ledger.ts';

const DAY_MS = 86_400_000;
const NOON_MS = 20_000 * DAY_MS + DAY_MS / 2;
const RULES = { quotaBytes: 100, maxMembers: 2 };

test('a member may go on to its quota and not beyond, and again on the next day', () => {
  const ledger = new UsageLedger(RULES, undefined, NOON_MS);
  expect([ledger.spend('a', 60, NOON_MS), ledger.spend('a', 40, NOON_MS)]).toEqual([true, true]);
  expect(ledger.waitMs('a', NOON_MS)).toBe(DAY_MS / 2);
  expect([ledger.spend('a', 1, NOON_MS), ledger.spend('b', 100, NOON_MS)]).toEqual([false, true]);
  expect(ledger.waitMs('a', NOON_MS + DAY_MS / 2)).toBe(0);
  expect(ledger.totalBytes).toBe(201);
});

test('the count goes on after a restart on the same day, and is over on the next', () => {
  const first = new UsageLedger(RULES, undefined, NOON_MS);
  first.spend('a', 100, NOON_MS);
  const kept = JSON.parse(JSON.stringify(first.takeChanges()));
  expect(first.takeChanges()).toBeUndefined();
  expect(new UsageLedger(RULES, kept, NOON_MS + 1000).waitMs('a', NOON_MS + 1000)).toBeGreaterThan(0);
  expect(new UsageLedger(RULES, kept, NOON_MS + DAY_MS).waitMs('a', NOON_MS + DAY_MS)).toBe(0);
});

test.each([null, 'x', { day: 'today', bytes: {} }, { day: 20_000, bytes: { a: -1 } }, { day: 20_000 }])(
  'what was kept and is not understood counts nothing: %j',
  (stored) => expect(new UsageLedger(RULES, stored, NOON_MS).usage(NOON_MS).size).toBe(0),
);

test('a clock that is set back gives nobody a second quota', () => {
  const ledger = new UsageLedger(RULES, undefined, NOON_MS);
  ledger.spend('a', 100, NOON_MS);
  expect(ledger.waitMs('a', NOON_MS - 3 * DAY_MS)).toBe(DAY_MS);
});

test('who no longer fits into the table waits for the next day', () => {
  const ledger = new UsageLedger(RULES, undefined, NOON_MS);
  ledger.spend('a', 1, NOON_MS);
  ledger.spend('b', 1, NOON_MS);
  expect(ledger.waitMs('c', NOON_MS)).toBeGreaterThan(0);
  expect(ledger.waitMs('c', NOON_MS + DAY_MS)).toBe(0);
});

test('who no longer fits into the table moves nothing where there is a quota, and anything where there is none', () => {
  const limited = new UsageLedger(RULES, undefined, NOON_MS);
  const free = new UsageLedger({ quotaBytes: undefined, maxMembers: 2 }, undefined, NOON_MS);
  for (const ledger of [limited, free]) for (const member of ['a', 'b']) ledger.spend(member, 0, NOON_MS);
  expect([limited.spend('c', 0, NOON_MS), limited.spend('c', 1, NOON_MS)]).toEqual([false, false]);
  expect([free.spend('c', 1, NOON_MS), free.waitMs('c', NOON_MS)]).toEqual([true, 0]);
});

test('without a quota all is counted and nothing refused', () => {
  const ledger = new UsageLedger({ quotaBytes: undefined, maxMembers: 2 }, undefined, NOON_MS);
  expect(ledger.spend('a', Number.MAX_SAFE_INTEGER, NOON_MS)).toBe(true);
  expect(ledger.waitMs('a', NOON_MS)).toBe(0);
});
