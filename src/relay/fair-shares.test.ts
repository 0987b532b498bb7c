import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KiB, MiB } from '../core/index.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { addWaiting, FairShares, initialShares, planGrants, type ShareRules } from './fair-shares.ts';
import { RELAY_LIMITS } from './limits.ts';

const RULES: ShareRules = { rateBytesPerSecond: MiB, burstBytes: 128 * KiB, quantumBytes: 64 * KiB };

interface Connection {
  readonly member: string;
  readonly readBytes: number;
}

/** Each connection asks for its next read when the one before was let through. Bytes by member after `durationMs`. */
function simulate(connections: readonly Connection[], durationMs: number, rules = RULES): Map<string, number> {
  const state = initialShares(rules, 0);
  const moved = new Map<string, number>();
  for (const [ticket, { member, readBytes }] of connections.entries()) addWaiting(state, member, readBytes, ticket);
  let nowMs = 0;
  while (nowMs <= durationMs) {
    const { tickets, waitMs } = planGrants(state, rules, nowMs);
    for (const ticket of tickets) {
      const { member, readBytes } = connections[ticket] as Connection;
      moved.set(member, (moved.get(member) ?? 0) + readBytes);
      addWaiting(state, member, readBytes, ticket);
    }
    nowMs += Math.max(1, waitMs ?? 1);
  }
  return moved;
}

const many = (member: string, count: number, readBytes = 64 * KiB): Connection[] =>
  Array.from({ length: count }, () => ({ member, readBytes }));

test('a member with thirty connections gets what a member with one gets', () => {
  const moved = simulate([...many('greedy', 30), ...many('modest', 1)], 20_000);
  expect((moved.get('greedy') ?? 0) / (moved.get('modest') ?? 0)).toBeCloseTo(1, 1);
});

test('the rate is kept, and used up, however many there are and whatever they read at a time', () => {
  const readBytes = fc.integer({ min: 1024, max: 64 * KiB });
  const connection = fc.record({ member: fc.constantFrom('a', 'b', 'c', 'd'), readBytes });
  fc.assert(
    fc.property(fc.array(connection, { minLength: 1, maxLength: 12 }), (connections) => {
      const moved = simulate(connections, 10_000);
      const total = [...moved.values()].reduce((sum, bytes) => sum + bytes, 0);
      expect(total).toBeLessThanOrEqual(10.01 * RULES.rateBytesPerSecond + 2 * RULES.burstBytes);
      expect(total).toBeGreaterThan(9.5 * RULES.rateBytesPerSecond);
    }),
    { numRuns: 30 },
  );
});

test('those who wait all the time get the same, within two quanta and a read', () => {
  const connection = fc.record({
    member: fc.constantFrom('a', 'b', 'c'),
    readBytes: fc.constantFrom(64 * KiB, 65 * KiB, 200 * KiB),
  });
  fc.assert(
    fc.property(fc.array(connection, { minLength: 3, maxLength: 9 }), (connections) => {
      // Two reads of each, so that none is ever without one waiting.
      const moved = [...simulate([...connections, ...connections], 20_000).values()];
      expect(Math.max(...moved) - Math.min(...moved)).toBeLessThanOrEqual(2 * RULES.quantumBytes + 3 * 200 * KiB);
    }),
    { numRuns: 30 },
  );
});

test('what one leaves, the others take', () => {
  expect(simulate(many('only', 1), 10_000).get('only')).toBeGreaterThan(9.5 * MiB);
});

test('a read larger than the bucket passes when it is full, and is paid for afterwards', () => {
  const moved = simulate(many('large', 1, MiB), 20_000);
  expect(moved.get('large')).toBeGreaterThan(18 * MiB);
  expect(moved.get('large')).toBeLessThanOrEqual(21.2 * MiB);
});

test('one member’s bytes keep their order', async () => {
  const clock = new VirtualClock();
  const gate = new FairShares(MiB, RELAY_LIMITS, clock).gateOf('m');
  const order: number[] = [];
  for (let index = 0; index < 20; index += 1) void gate.take(64 * KiB)?.then(() => order.push(index));
  await clock.advance(500);
  expect(order.length).toBeLessThan(15);
  await clock.advance(5_000);
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test('without a rate nobody waits', () => {
  expect(new FairShares(undefined, RELAY_LIMITS, new VirtualClock()).gateOf('m').take(10 * MiB)).toBeUndefined();
});
