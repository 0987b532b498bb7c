import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deadlineOf,
  initialSending,
  planSending,
  type SendCommand,
  type SendEvent,
  type SendRules,
  type SendState,
} from './ws-sending.ts';

const rules: SendRules = {
  ackTimeoutMs: 30_000,
  slowAckMs: 2000,
  retries: 3,
  minWindow: 2,
  maxWindow: 64,
  maxUnwritten: 4,
};

function sending(end: number, held: readonly number[] = [], first = 0): SendState {
  return initialSending({ first, end, isHeld: (index) => held.includes(index) }, rules);
}

/** Indexes sent, every one of them written at once. */
function sent(state: SendState, event: SendEvent, nowMs: number): number[] {
  const indexes: number[] = [];
  let commands = planSending(state, event, nowMs);
  while (commands.some((command) => command.do === 'send')) {
    const next: SendCommand[] = [];
    for (const command of commands) {
      if (command.do !== 'send') continue;
      indexes.push(command.index);
      next.push(...planSending(state, { on: 'written', index: command.index }, nowMs));
    }
    commands = next;
  }
  return indexes;
}

describe('planSending()', () => {
  it('begins with two chunks and sends two for every acknowledgement, up to the largest window', () => {
    const state = sending(1000);
    expect(sent(state, { on: 'start' }, 0)).toEqual([0, 1]);
    expect(sent(state, { on: 'ack', index: 0 }, 1)).toEqual([2, 3]);
    for (let index = 1; index < 500; index += 1) sent(state, { on: 'ack', index }, 1);
    expect(state.underWay.size).toBe(64);
  });

  it('leaves out what is held', () => {
    const state = sending(6, [1, 2, 4], 1);
    expect(sent(state, { on: 'start' }, 0)).toEqual([3, 5]);
  });

  it('is done at once when everything is held', () => {
    expect(planSending(sending(2, [0, 1]), { on: 'start' }, 0)).toEqual([{ do: 'done' }]);
  });

  it('ignores acknowledgements of chunks that are not on their way, and every second one', () => {
    const state = sending(1000);
    sent(state, { on: 'start' }, 0);
    for (const index of [2, 999, 1000, 2 ** 40]) expect(sent(state, { on: 'ack', index }, 1)).toEqual([]);
    expect(sent(state, { on: 'ack', index: 1 }, 1)).toEqual([2, 3]);
    expect(sent(state, { on: 'ack', index: 1 }, 1)).toEqual([]);
    expect(state.window).toBe(3);
  });

  it('over a slow line it has so many chunks on their way that none is sent twice', () => {
    const state = sending(1000);
    const line = sent(state, { on: 'start' }, 0);
    const seen = new Set(line);
    let most = 0;
    // One chunk of 64 KiB in 650 ms: 100 kB a second, acknowledged when it has passed.
    for (let nowMs = 650; !state.isOver; nowMs += 650) {
      const index = line.shift();
      if (index === undefined) throw new Error('nothing is on its way');
      const next = [...sent(state, { on: 'ack', index }, nowMs), ...sent(state, { on: 'time' }, nowMs)];
      for (const one of next) expect(seen.has(one)).toBe(false);
      for (const one of next) seen.add(one);
      line.push(...next);
      most = Math.max(most, line.length);
    }
    expect(seen.size).toBe(1000);
    expect(most).toBeLessThan(10);
  });

  it('repeats a late chunk three times and then gives up', () => {
    const state = sending(1);
    expect(sent(state, { on: 'start' }, 0)).toEqual([0]);
    for (const nowMs of [30_000, 60_000, 90_000]) {
      expect(deadlineOf(state)).toBe(nowMs);
      expect(sent(state, { on: 'time' }, nowMs - 1)).toEqual([]);
      expect(sent(state, { on: 'time' }, nowMs)).toEqual([0]);
    }
    expect(planSending(state, { on: 'time' }, 120_000)).toEqual([{ do: 'give_up', isStuck: false }]);
    expect(planSending(state, { on: 'ack', index: 0 }, 120_001)).toEqual([]);
  });

  it('writes nothing twice while it has not left, and gives up all the same', () => {
    const state = sending(100);
    const wrote = planSending(state, { on: 'start' }, 0).length;
    expect(wrote).toBe(2);
    for (const nowMs of [30_000, 60_000, 90_000]) expect(planSending(state, { on: 'time' }, nowMs)).toEqual([]);
    expect(planSending(state, { on: 'time' }, 120_000)).toEqual([{ do: 'give_up', isStuck: true }]);
  });

  it('acknowledgements of chunks that never left do not make it hold more than four', () => {
    const state = sending(1000);
    let unwritten = planSending(state, { on: 'start' }, 0).length;
    for (let index = 0; index < 100; index += 1)
      unwritten += planSending(state, { on: 'ack', index }, 0).filter((command) => command.do === 'send').length;
    expect(unwritten).toBe(4);
  });

  it('whatever is acknowledged when, every wanted chunk is sent, none that is held, and the window is kept', () => {
    const world = fc.record({
      chunks: fc.integer({ min: 0, max: 60 }),
      held: fc.uniqueArray(fc.integer({ min: 0, max: 59 })),
      order: fc.infiniteStream(fc.nat()),
    });
    fc.assert(
      fc.property(world, ({ chunks, held, order }) => {
        const state = sending(chunks, held);
        const seen = new Set(sent(state, { on: 'start' }, 0));
        while (!state.isOver) {
          expect(state.underWay.size).toBeLessThanOrEqual(state.window);
          const waiting = [...state.underWay.keys()];
          const index = waiting[order.next().value % waiting.length] ?? 0;
          for (const next of sent(state, { on: 'ack', index }, 0)) seen.add(next);
        }
        const wanted = Array.from({ length: chunks }, (_, index) => index).filter((index) => !held.includes(index));
        expect([...seen].sort((a, b) => a - b)).toEqual(wanted);
      }),
    );
  });
});
