import { describe, expect, it } from 'vitest';
import { TRANSFER_LIMITS } from '../../transfer/index.ts';
import { MIXED_LINES } from './access-lines.ts';
import { type SwarmOptions, simulateSwarm } from './swarm.ts';

const even = { share: 1, upMbits: 50, downMbits: 50, delayMs: 5, loss: 0 };
const still = { perMinute: 0, meanAwayMs: 60_000, silentShare: 0.5, gossipMs: 1_000 };

const swarm: SwarmOptions = {
  seed: 1,
  sizeBytes: 24_000_000,
  peers: 50,
  seeder: even,
  lines: [even],
  worldMs: 10,
  churn: still,
  limits: TRANSFER_LIMITS,
};
const busy = { ...swarm, peers: 30, lines: MIXED_LINES, churn: { ...still, perMinute: 0.5 } };

describe('a simulated swarm of the shipping planner', () => {
  it('is done in all its nodes, no sooner than can be', () => {
    const result = simulateSwarm(swarm);
    expect(result.doneMs).toHaveLength(50);
    expect(result.failedTimes).toBe(0);
    expect(result.doneMs[0]).toBeGreaterThan(result.bound.seederMs * 0.999);
    expect(result.doneMs.at(-1)).toBeGreaterThan(result.bound.ms);
    // Few pieces for many nodes: what a piece takes to go through all of them counts for much.
    expect(result.doneMs.at(-1)).toBeLessThan(result.bound.ms * 8);
  });

  it('is done too where half of its nodes leave every minute, some of them without a word', () => {
    for (const seed of [1, 2]) {
      // A piece asked of one who lacks it would throw.
      const result = simulateSwarm({ ...busy, seed });
      expect(result.doneMs).toHaveLength(30);
      expect(result.doneMs.at(-1)).toBeGreaterThan(result.bound.ms);
      expect(result.duplicatePieces).toBe(0);
      expect(result.wasted).toBeLessThan(0.2);
    }
  });

  it('has the seeder send little more than one copy where its uplink is what all wait for', () => {
    for (const seed of [1, 2, 3]) {
      const result = simulateSwarm({ ...swarm, seed, peers: 15, sizeBytes: 200_000_000 });
      expect(result.seederCopies).toBeLessThan(1.2);
      expect(result.doneMs.at(-1)).toBeLessThan(result.bound.ms * 1.4);
    }
  });

  it('runs alike for one seed, and otherwise for another', () => {
    const first = simulateSwarm(busy);
    expect(simulateSwarm(busy)).toEqual(first);
    expect(simulateSwarm({ ...busy, seed: 2 })).not.toEqual(first);
  });
});
