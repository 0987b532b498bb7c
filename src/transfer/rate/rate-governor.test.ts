import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KiB, MB } from '../../core/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import type { FlowFacts, FlowLimits } from './policy.ts';
import type { Priority } from './priority.ts';
import { type GovernorRules, RateGovernor } from './rate-governor.ts';
import { UNLIMITED } from './rate-value.ts';

function rules(nodeRate: number, limits: (flow: FlowFacts) => Partial<FlowLimits> = () => ({})): GovernorRules {
  const free: FlowLimits = { transferRate: UNLIMITED, peerRate: UNLIMITED, priority: 'normal', yields: false };
  return { nodeRate, limitsOf: (flow) => ({ ...free, ...limits(flow) }) };
}

const flow = (transfer: string, peer = 'p'): FlowFacts => ({ transfer, peer, sizeBytes: 1 });

/** Takes as much as it gets, for ever; `bytes` says how much that was. */
function greedy(governor: RateGovernor, facts: FlowFacts, chunkBytes = 64 * KiB) {
  const taker = { bytes: 0, stop: new AbortController() };
  const gate = governor.gate(facts);
  const run = async (): Promise<void> => {
    while (!taker.stop.signal.aborted) {
      await gate.take(chunkBytes, taker.stop.signal);
      taker.bytes += chunkBytes;
    }
  };
  run().catch(() => {});
  return taker;
}

/** The same, which first has to fetch what it takes, at a rate of its own. */
function paced(governor: RateGovernor, facts: FlowFacts, clock: VirtualClock, rate: number) {
  const taker = { bytes: 0, stop: new AbortController() };
  const gate = governor.gate(facts);
  const chunkBytes = 16 * KiB;
  const run = async (): Promise<void> => {
    while (!taker.stop.signal.aborted) {
      await new Promise<void>((resolve) => void clock.after((chunkBytes * 1000) / rate, resolve));
      await gate.take(chunkBytes, taker.stop.signal);
      taker.bytes += chunkBytes;
    }
  };
  run().catch(() => {});
  return taker;
}

const ranked = (flowFacts: FlowFacts): Partial<FlowLimits> => ({ priority: flowFacts.transfer as Priority });

describe('RateGovernor', () => {
  test('without a limit nothing waits: not even for a promise', () => {
    const gate = new RateGovernor(rules(UNLIMITED), new VirtualClock()).gate(flow('t'));
    expect(gate.take(1e12)).toBeUndefined();
    expect(gate.sliceBytes).toBeUndefined();
  });

  test('what a limit has saved up passes at once, the rest waits its time', async () => {
    const clock = new VirtualClock();
    const gate = new RateGovernor(rules(MB), clock).gate(flow('t'));
    expect(gate.take(100_000)).toBeUndefined();
    let passed = false;
    void Promise.resolve(gate.take(500_000)).then(() => {
      passed = true;
    });
    await clock.advance(490);
    expect(passed).toBe(false);
    await clock.advance(20);
    expect(passed).toBe(true);
  });

  test('bytes never pass faster than rate × time + burst, by any level, whatever is asked for when', async () => {
    const ask = fc.record({
      transfer: fc.constantFrom('a', 'b', 'c'),
      peer: fc.constantFrom('x', 'y'),
      bytes: fc.integer({ min: 1, max: 300 * KiB }),
      afterMs: fc.integer({ min: 0, max: 400 }),
    });
    const priorities = fc.constantFrom<Priority>('critical', 'high', 'normal', 'low');
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { maxLength: 25 }), priorities, priorities, async (asks, a, b) => {
        const clock = new VirtualClock();
        const [nodeRate, transferRate, peerRate] = [400_000, 250_000, 300_000];
        const limits = ({ transfer }: FlowFacts) => ({ transferRate, peerRate, priority: transfer === 'a' ? a : b });
        const governor = new RateGovernor(rules(nodeRate, limits), clock);
        const passed: Record<string, number> = {};
        const note = (level: string, bytes: number, rate: number) => {
          passed[level] = (passed[level] ?? 0) + bytes;
          const most = (rate * clock.monotonicMs()) / 1000 + Math.max(16 * KiB, rate / 10) + 1;
          if (passed[level] > most) throw new Error(`${level}: ${passed[level]} of at most ${most}`);
        };
        const all = asks.map(async ({ transfer, peer, bytes }, index) => {
          await new Promise<void>(
            (resolve) =>
              void clock.after(
                asks.slice(0, index).reduce((s, q) => s + q.afterMs, 0),
                resolve,
              ),
          );
          await governor.gate(flow(transfer, peer)).take(bytes);
          note('node', bytes, nodeRate);
          note(`transfer ${transfer}`, bytes, transferRate);
          note(`peer ${peer}`, bytes, peerRate);
        });
        let failure: unknown;
        const done = Promise.all(all).catch((thrown: unknown) => {
          failure = thrown;
        });
        await clock.advance(120_000);
        await done;
        expect(failure).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  test('who wants all gets all: the node’s rate, within a percent', async () => {
    const clock = new VirtualClock();
    const taker = greedy(new RateGovernor(rules(2.5 * MB), clock), flow('t'));
    await clock.advance(20_000);
    expect(taker.bytes).toBeGreaterThan(2.5 * MB * 20 * 0.99);
  });

  test('requests of one gate are answered in their order', async () => {
    const clock = new VirtualClock();
    const gate = new RateGovernor(rules(100_000), clock).gate(flow('t'));
    const order: number[] = [];
    for (const index of [0, 1, 2, 3])
      void Promise.resolve(gate.take(50_000 - index * 10_000)).then(() => order.push(index));
    await clock.advance(5_000);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  test('transfers of one priority get equal shares, however many lanes each has and whenever it began', async () => {
    const clock = new VirtualClock();
    const governor = new RateGovernor(rules(MB), clock);
    const many = [1, 2, 3, 4].map(() => greedy(governor, flow('many')));
    await clock.advance(5_000);
    const before = many.reduce((sum, { bytes }) => sum + bytes, 0);
    const one = greedy(governor, flow('one', 'q'));
    await clock.advance(10_000);
    const after = many.reduce((sum, { bytes }) => sum + bytes, 0) - before;
    expect(one.bytes / after).toBeGreaterThan(0.85);
    expect(one.bytes / after).toBeLessThan(1.15);
  });

  test('lanes of one transfer get equal shares', async () => {
    const clock = new VirtualClock();
    const governor = new RateGovernor(rules(MB), clock);
    const [a, b] = [greedy(governor, flow('t', 'a')), greedy(governor, flow('t', 'b'))];
    await clock.advance(10_000);
    expect(Math.abs(a.bytes - b.bytes)).toBeLessThanOrEqual(256 * KiB);
  });

  test('a peer’s limit holds back that peer alone', async () => {
    const clock = new VirtualClock();
    const slow = ({ peer }: FlowFacts) => (peer === 'slow' ? { peerRate: 50_000 } : {});
    const governor = new RateGovernor(rules(MB, slow), clock);
    const [held, free] = [greedy(governor, flow('t', 'slow')), greedy(governor, flow('u', 'fast'))];
    await clock.advance(10_000);
    expect(held.bytes).toBeLessThan(50_000 * 10 + 80_000);
    expect(free.bytes).toBeGreaterThan(930_000 * 10);
  });

  test('the more urgent preempts; the others keep a floor, and have all again when it ends', async () => {
    const clock = new VirtualClock();
    const governor = new RateGovernor(rules(MB, ranked), clock);
    const low = greedy(governor, flow('low'));
    await clock.advance(2_000);
    expect(low.bytes).toBeGreaterThan(1.9 * MB);
    const before = low.bytes;
    const high = greedy(governor, flow('high'));
    await clock.advance(10_000);
    const share = (low.bytes - before) / (10 * MB);
    expect(high.bytes).toBeGreaterThan(9 * MB);
    expect(share).toBeGreaterThan(0.03);
    expect(share).toBeLessThan(0.08);
    high.stop.abort();
    const paused = low.bytes;
    await clock.advance(10_000);
    expect(low.bytes - paused).toBeGreaterThan(8.5 * MB);
  });

  test('four ranks: each leaves a floor to those below', async () => {
    const clock = new VirtualClock();
    const governor = new RateGovernor(rules(MB, ranked), clock);
    const takers = ['critical', 'high', 'normal', 'low'].map((priority) => greedy(governor, flow(priority)));
    await clock.advance(10_000);
    const [critical = 0, ...others] = takers.map(({ bytes }) => bytes);
    expect(critical).toBeGreaterThan(8 * MB);
    for (const bytes of others) expect(bytes).toBeGreaterThan(0.3 * MB);
  });

  test('what the more urgent cannot use the others have', async () => {
    const clock = new VirtualClock();
    const governor = new RateGovernor(rules(MB, ranked), clock);
    const high = paced(governor, flow('high'), clock, 200_000);
    const low = greedy(governor, flow('low'));
    await clock.advance(10_000);
    expect(high.bytes).toBeGreaterThan(1.9 * MB);
    expect(low.bytes).toBeGreaterThan(7 * MB);
  });

  test('a link without a limit is preempted too', async () => {
    const clock = new VirtualClock();
    const governor = new RateGovernor(rules(UNLIMITED, ranked), clock);
    const high = paced(governor, flow('high'), clock, 10 * MB);
    const low = paced(governor, flow('low'), clock, 10 * MB);
    await clock.advance(10_000);
    expect(high.bytes).toBeGreaterThan(95 * MB);
    expect(low.bytes).toBeGreaterThan(64 * KiB * 9);
    expect(low.bytes).toBeLessThan(8 * MB);
  });

  test('a limit of its own that holds the more urgent back is no reason to hold others back', async () => {
    const clock = new VirtualClock();
    const capped = (facts: FlowFacts) => ({
      ...ranked(facts),
      transferRate: facts.transfer === 'high' ? 100_000 : UNLIMITED,
    });
    const governor = new RateGovernor(rules(MB, capped), clock);
    greedy(governor, flow('high'));
    const low = greedy(governor, flow('low'));
    await clock.advance(10_000);
    expect(low.bytes).toBeGreaterThan(7 * MB);
  });

  test('new rules hold at once, for those who wait as well', async () => {
    const clock = new VirtualClock();
    const governor = new RateGovernor(rules(10_000), clock);
    const taker = greedy(governor, flow('t'));
    await clock.advance(1_000);
    expect(taker.bytes).toBe(0);
    governor.apply(rules(MB));
    await clock.advance(1_000);
    expect(taker.bytes).toBeGreaterThan(0.8 * MB);
    governor.apply(rules(20_000));
    const before = taker.bytes;
    await clock.advance(10_000);
    expect(taker.bytes - before).toBeLessThan(300_000);
    let passed = false;
    void Promise.resolve(governor.gate(flow('u')).take(50 * MB)).then(() => {
      passed = true;
    });
    taker.stop.abort();
    governor.apply(rules(UNLIMITED));
    await clock.advance(1);
    expect(passed).toBe(true);
  });

  test('a signal ends the wait with its reason, and the others move up', async () => {
    const clock = new VirtualClock();
    const gate = new RateGovernor(rules(100_000), clock).gate(flow('t'));
    const stop = new AbortController();
    const first = Promise.resolve(gate.take(10 * MB, stop.signal));
    let second = false;
    void Promise.resolve(gate.take(1_000)).then(() => {
      second = true;
    });
    const failed = expect(first).rejects.toThrow('enough');
    stop.abort(new Error('enough'));
    await failed;
    await clock.advance(200);
    expect(second).toBe(true);
    await expect(gate.take(10 * MB, AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });

  test('close() lets everybody go', async () => {
    const governor = new RateGovernor(rules(100_000), new VirtualClock());
    const waiting = Promise.resolve(governor.gate(flow('t')).take(10 * MB));
    governor.close();
    await waiting;
  });

  test('what the delay allows holds for those who give way, and for nobody else', async () => {
    const clock = new VirtualClock();
    const yields = ({ transfer }: FlowFacts) => ({ yields: transfer === 'background' });
    const governor = new RateGovernor(rules(UNLIMITED, yields), clock);
    governor.gate(flow('background')).take(1);
    governor.setYieldCap('p', 100_000);
    const background = greedy(governor, flow('background'));
    await clock.advance(10_000);
    expect(background.bytes).toBeGreaterThan(900_000);
    expect(background.bytes).toBeLessThan(1_150_000);
    expect(governor.gate(flow('other')).take(1e9)).toBeUndefined();
    expect(governor.yieldingPeers()).toEqual([expect.objectContaining({ peer: 'p', cap: 100_000 })]);
    expect(Math.abs((governor.yieldingPeers()[0]?.bytesPerSecond ?? 0) - 100_000)).toBeLessThan(50_000);
  });
});
