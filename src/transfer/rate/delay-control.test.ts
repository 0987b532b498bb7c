import { describe, expect, test } from 'vitest';
import { MB } from '../../core/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { type DelayState, planCap, startDelayControl } from './delay-control.ts';
import { DelayWatch } from './delay-watch.ts';
import { RateGovernor } from './rate-governor.ts';
import { UNLIMITED } from './rate-value.ts';

const BASE_MS = 20;
const STEP_MS = 10;

/** A link with one queue, first in first out, which the transfer and somebody else's traffic share. */
class Bottleneck {
  readonly rate: number;
  otherRate = 0;
  queueBytes = 0;
  readonly maxQueueBytes: number;

  constructor(rate: number) {
    this.rate = rate;
    this.maxQueueBytes = rate;
  }

  /** Bytes of the transfer that the link took. */
  step(offeredRate: number): void {
    const arriving = ((offeredRate + this.otherRate) * STEP_MS) / 1000;
    this.queueBytes = Math.min(
      this.maxQueueBytes,
      Math.max(0, this.queueBytes + arriving - (this.rate * STEP_MS) / 1000),
    );
  }

  get roundTripMs(): number {
    return BASE_MS + (this.queueBytes * 1000) / this.rate;
  }
}

interface Run {
  readonly link: Bottleneck;
  state: DelayState;
  nowMs: number;
}

function start(rate: number): Run {
  return { link: new Bottleneck(rate), state: startDelayControl(0), nowMs: 0 };
}

/** Runs the transfer at its cap; tells the rates and the delays it saw. */
function run(world: Run, durationMs: number, offered = UNLIMITED) {
  const delays: number[] = [];
  let moved = 0;
  const endMs = world.nowMs + durationMs;
  for (; world.nowMs < endMs; world.nowMs += STEP_MS) {
    const rate = Math.min(world.state.capBytesPerSecond, offered);
    world.link.step(rate);
    moved += (Math.min(rate, world.link.rate) * STEP_MS) / 1000;
    delays.push(world.link.roundTripMs - BASE_MS);
    if (world.nowMs % 250 !== 0) continue;
    const sample = {
      roundTripMs: world.link.roundTripMs,
      bytesPerSecond: Math.min(rate, world.link.rate),
      nowMs: world.nowMs,
    };
    world.state = planCap(world.state, sample);
  }
  const sorted = delays.toSorted((a, b) => a - b);
  return { rate: (moved * 1000) / durationMs, p95Ms: sorted[Math.floor(sorted.length * 0.95)] ?? 0 };
}

describe('planCap()', () => {
  test.each([0.25, 1.25, 12.5, 125])('fills an empty link of %f MB/s, with a queue that stays short', (megabytes) => {
    const world = start(megabytes * MB);
    run(world, 30_000);
    const { rate, p95Ms } = run(world, 60_000);
    expect(rate).toBeGreaterThan(megabytes * MB * 0.75);
    expect(p95Ms).toBeLessThan(50);
  });

  test('gives way to other traffic, and takes the link back when it ends', () => {
    const world = start(1.25 * MB);
    run(world, 30_000);
    world.link.otherRate = 1 * MB;
    run(world, 10_000);
    const during = run(world, 20_000);
    expect(during.rate).toBeLessThan(0.4 * MB);
    expect(during.p95Ms).toBeLessThan(50);
    world.link.otherRate = 0;
    run(world, 60_000);
    expect(run(world, 10_000).rate).toBeGreaterThan(0.8 * MB);
  });

  test('a link that others fill wholly leaves it the least rate, which keeps it connected', () => {
    const world = start(1.25 * MB);
    run(world, 10_000);
    world.link.otherRate = 1.3 * MB;
    run(world, 20_000);
    expect(world.state.capBytesPerSecond).toBe(16 * 1024);
  });

  test('a way that became longer is the new empty link after the minutes that are remembered', () => {
    let state = startDelayControl(0);
    const at = (nowMs: number, roundTripMs: number) => {
      state = planCap(state, { roundTripMs, bytesPerSecond: 1e9, nowMs });
    };
    for (let nowMs = 0; nowMs < 60_000; nowMs += 250) at(nowMs, 20);
    for (let nowMs = 60_000; nowMs < 120_000; nowMs += 250) at(nowMs, 90);
    expect(state.capBytesPerSecond).toBe(16 * 1024);
    for (let nowMs = 120_000; nowMs < 840_000; nowMs += 250) at(nowMs, 90);
    expect(state.capBytesPerSecond).toBeGreaterThan(10 * MB);
  });

  test('one late answer among good ones is noise; silence is a full queue', () => {
    let state: DelayState = { ...startDelayControl(0), isStarting: false };
    const tell = (nowMs: number, roundTripMs: number | undefined) => {
      state = planCap(state, { roundTripMs, bytesPerSecond: MB, nowMs });
    };
    for (let turn = 0; turn < 10; turn += 1) tell(turn * 250, 20);
    const before = state.capBytesPerSecond;
    tell(2500, 400);
    expect(state.capBytesPerSecond).toBeGreaterThanOrEqual(before);
    tell(3000, undefined);
    expect(state.capBytesPerSecond).toBeLessThan(before);
  });

  test('does not grow far beyond what really moves', () => {
    const world = start(12.5 * MB);
    run(world, 60_000, 1 * MB);
    expect(world.state.capBytesPerSecond).toBeLessThanOrEqual(1.5 * MB);
  });
});

test('DelayWatch probes only while bytes move that give way, and sets what they may take', async () => {
  const clock = new VirtualClock();
  const limits = { transferRate: UNLIMITED, peerRate: UNLIMITED, priority: 'normal' as const, yields: true };
  const governor = new RateGovernor({ nodeRate: UNLIMITED, limitsOf: () => limits }, clock);
  let probes = 0;
  let roundTripMs = 20;
  const prober = {
    probe: async () => {
      probes += 1;
      return roundTripMs;
    },
  };
  using _watch = new DelayWatch({ governors: [governor], prober, clock });
  await clock.advance(5_000);
  expect(probes).toBe(0);
  const gate = governor.gate({ transfer: 't', peer: 'p', sizeBytes: 1 });
  const stop = new AbortController();
  const pull = async () => {
    for (;;) {
      await gate.take(64 * 1024, stop.signal);
      await new Promise<void>((resolve) => void clock.after(10, resolve));
    }
  };
  pull().catch(() => {});
  await clock.advance(5_000);
  expect(probes).toBeGreaterThan(10);
  const [free] = governor.yieldingPeers();
  expect(free?.cap).toBeGreaterThan(1 * MB);
  roundTripMs = 200;
  await clock.advance(10_000);
  expect(governor.yieldingPeers()[0]?.cap).toBe(16 * 1024);
  stop.abort();
  await clock.advance(3_000);
  const before = probes;
  await clock.advance(5_000);
  expect(probes).toBe(before);
});
