import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { type PeerCandidate, rankPeers } from './peer-choice.ts';
import type { PeerStats } from './peer-stats.ts';

interface ChoiceCase {
  readonly name: string;
  readonly size_bytes: number;
  readonly preferred?: NodeId;
  readonly peers: {
    readonly node_id: NodeId;
    readonly path: PeerCandidate['path'];
    readonly load?: number;
    readonly stats?: {
      readonly successes: number;
      readonly failures: number;
      readonly corruptions: number;
      readonly rate_bytes_per_second?: number;
      readonly latency_ms?: number;
      readonly banned_for_ms?: number;
    };
  }[];
  readonly order: string[];
}

const NOW_MS = 1_000_000;

describe('rankPeers()', () => {
  it.each(vectorCases<ChoiceCase>('registry', 'peer-choice.json'))('%s', (_, { peers, order, ...about }) => {
    const stats = new Map(peers.map(({ node_id, stats: known }) => [node_id, known && toStats(known)]));
    const candidates = peers.map(({ node_id, path, load }) => ({ nodeId: node_id, path, load }));
    const ranked = rankPeers(candidates, {
      sizeBytes: about.size_bytes,
      nowMs: NOW_MS,
      preferredNodeId: about.preferred,
      statsOf: (nodeId) => stats.get(nodeId),
    });
    expect(ranked.map(({ nodeId }) => nodeId)).toEqual(order);
  });

  const stats = fc.record({
    successes: fc.nat(100),
    failures: fc.nat(100),
    corruptions: fc.nat(3),
    rateBytesPerSecond: fc.option(fc.double({ min: 0, max: 1e10, noNaN: true }), { nil: undefined }),
    latencyMs: fc.option(fc.double({ min: 0, max: 1e5, noNaN: true }), { nil: undefined }),
    bannedUntilMs: fc.option(fc.integer({ min: 0, max: 2 * NOW_MS }), { nil: undefined }),
  });
  const peer = fc.record({
    nodeId: fc.nat(1000).map((number) => `node-${number}` as NodeId),
    path: fc.constantFrom('loopback' as const, 'lan' as const, 'mesh' as const),
    load: fc.constantFrom(undefined, -1, 0, 0.5),
    stats: fc.option(stats, { nil: undefined }),
  });
  const peers = fc.uniqueArray(peer, { selector: ({ nodeId }) => nodeId, maxLength: 12 });

  it('is one order, however the candidates come, of exactly those that may be asked', () => {
    fc.assert(
      fc.property(peers, fc.nat(), fc.infiniteStream(fc.nat()), (all, sizeBytes, keys) => {
        const context = { sizeBytes, nowMs: NOW_MS, preferredNodeId: all[0]?.nodeId, statsOf: statsIn(all) };
        const ranked = rankPeers(all, context);
        const shuffled = all.map((one) => ({ one, key: keys.next().value })).sort((a, b) => a.key - b.key);
        expect(
          rankPeers(
            shuffled.map(({ one }) => one),
            context,
          ),
        ).toEqual(ranked);
        const allowed = all.filter((one) => one.load !== -1 && (one.stats?.bannedUntilMs ?? 0) <= NOW_MS);
        expect(new Set(ranked)).toEqual(new Set(allowed));
      }),
    );
  });

  it('the order of two does not depend on the others', () => {
    fc.assert(
      fc.property(peers, (all) => {
        const context = { sizeBytes: 1e9, nowMs: NOW_MS, statsOf: statsIn(all) };
        const ranked = rankPeers(all, context);
        for (const [index, first] of ranked.entries()) {
          for (const second of ranked.slice(index + 1)) expect(rankPeers([second, first], context)[0]).toBe(first);
        }
      }),
      { numRuns: 40 },
    );
  });

  function statsIn(all: readonly { nodeId: NodeId; stats: PeerStats | undefined }[]) {
    return (nodeId: NodeId) => all.find((one) => one.nodeId === nodeId)?.stats;
  }
  function toStats(known: NonNullable<ChoiceCase['peers'][number]['stats']>): PeerStats {
    return {
      successes: known.successes,
      failures: known.failures,
      corruptions: known.corruptions,
      rateBytesPerSecond: known.rate_bytes_per_second,
      latencyMs: known.latency_ms,
      bannedUntilMs: known.banned_for_ms === undefined ? undefined : NOW_MS + known.banned_for_ms,
    };
  }
});
