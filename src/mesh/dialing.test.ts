import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type NodeId, seededRandom } from '../core/index.ts';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { dialPauseMs, planDials } from './dial-plan.ts';
import { inTellingOrder, toDialable, withoutPeer } from './libp2p/addresses.ts';
import { MESH_LIMITS } from './limits.ts';
import { withKnownPorts } from './listen-addresses.ts';
import { RefusedPeers } from './refused-peers.ts';
import { TokenBuckets } from './token-bucket.ts';

const node = (index: number) => `node-${index}` as NodeId;
const nodes = (from: number, count: number) => Array.from({ length: count }, (_, index) => node(from + index));

describe('planDials()', () => {
  test('fills up to the target degree and never dials whom it has, dials or shuns', () => {
    const counts = fc.integer({ min: 0, max: 8 });
    fc.assert(
      fc.property(counts, counts, fc.integer({ min: 0, max: 30 }), fc.integer(), (have, dial, known, seed) => {
        const connected = new Set(nodes(0, have));
        const dialling = new Set(nodes(100, dial));
        const candidates = [...connected, ...dialling, ...nodes(200, known)];
        const isPaused = (nodeId: NodeId) => nodeId === node(200);
        const planned = planDials({ candidates, connected, dialling, isPaused }, seededRandom(seed));
        expect(planned.length + have + dial).toBeLessThanOrEqual(Math.max(MESH_LIMITS.targetDegree, have + dial));
        expect(planned.length + dial).toBeLessThanOrEqual(Math.max(MESH_LIMITS.parallelDials, dial));
        for (const one of planned) {
          expect([connected.has(one), dialling.has(one), isPaused(one)]).toEqual([false, false, false]);
        }
      }),
    );
  });

  test('dialPauseMs() doubles with jitter up to its limit', () => {
    const middle = { next: () => 0.5 };
    expect([1, 2, 3, 20].map((failures) => dialPauseMs(failures, middle))).toEqual([1000, 2000, 4000, 300_000]);
    expect(dialPauseMs(1, { next: () => 0 })).toBe(500);
  });
});

describe('addresses', () => {
  test('withoutPeer() drops the last peer and keeps the relay’s', () => {
    expect(withoutPeer('/ip4/1.2.3.4/tcp/1/p2p/12D3A')).toBe('/ip4/1.2.3.4/tcp/1');
    expect(withoutPeer('/ip4/1.2.3.4/tcp/1/p2p/12D3A/p2p-circuit/p2p/12D3B')).toBe(
      '/ip4/1.2.3.4/tcp/1/p2p/12D3A/p2p-circuit',
    );
  });

  test('toDialable() leaves out what does not parse and what names no machine, and takes so many', () => {
    const { nodeId } = makeTestMesh('addresses').member('a');
    const good = '/ip4/10.0.0.2/tcp/4310';
    expect(toDialable(nodeId, ['hello', '/ip4/0.0.0.0/tcp/1', '/ip4/999.1.1.1/tcp/1', good]).map(String)).toEqual([
      `${good}/p2p/${nodeId}`,
    ]);
    expect(toDialable(nodeId, Array(100).fill(good))).toHaveLength(MESH_LIMITS.addressesPerPeer);
  });

  test('inTellingOrder() puts loopback last', () => {
    const addresses = ['/ip4/127.0.0.1/tcp/1', '/ip6/fe80::1/tcp/1', '/ip4/10.0.0.2/tcp/1', '/ip4/0.0.0.0/tcp/1'];
    expect(inTellingOrder(addresses)).toEqual(['/ip4/10.0.0.2/tcp/1', '/ip6/fe80::1/tcp/1', '/ip4/127.0.0.1/tcp/1']);
  });

  test('withKnownPorts() keeps the ports that the system chose, each for its own listener', () => {
    const listen = ['/ip4/0.0.0.0/tcp/0', '/ip4/0.0.0.0/tcp/0/ws', '/ip6/::/tcp/0', '/ip4/0.0.0.0/tcp/4310'];
    const opened = ['/ip4/127.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/1', '/ip4/10.0.0.2/tcp/2/ws', '/ip6/::1/tcp/3'];
    expect(withKnownPorts(listen, opened)).toEqual([
      '/ip4/0.0.0.0/tcp/1',
      '/ip4/0.0.0.0/tcp/2/ws',
      '/ip6/::/tcp/3',
      '/ip4/0.0.0.0/tcp/4310',
    ]);
    expect(withKnownPorts(['/ip4/0.0.0.0/tcp/0', '/ip4/0.0.0.0/tcp/0'], opened)).toEqual([
      '/ip4/0.0.0.0/tcp/1',
      '/ip4/0.0.0.0/tcp/0',
    ]);
  });
});

describe('rates and pauses', () => {
  test('TokenBuckets gives the burst, then the rate, whatever the wall clock does', async () => {
    const clock = new VirtualClock();
    const buckets = new TokenBuckets<string>({ burst: 2, perSecond: 4 }, clock);
    expect([buckets.take('a'), buckets.take('a'), buckets.take('a'), buckets.take('b')]).toEqual([0, 0, 250, 0]);
    clock.jumpTo(clock.nowMs() + 86_400_000);
    expect(buckets.take('a')).toBe(250);
    await clock.advance(250);
    expect([buckets.take('a'), buckets.take('a')]).toEqual([0, 250]);
  });

  test('RefusedPeers pauses longer with every refusal, names a nuisance, and forgives', async () => {
    const clock = new VirtualClock();
    const refused = new RefusedPeers(clock);
    refused.note(node(1));
    await clock.advance(MESH_LIMITS.refusedBackoffMs);
    expect(refused.isPaused(node(1))).toBe(false);
    refused.note(node(1));
    refused.note(node(1));
    await clock.advance(3 * MESH_LIMITS.refusedBackoffMs);
    expect([refused.isPaused(node(1)), refused.isNuisance(node(1)), refused.isPaused(node(2))]).toEqual([
      true,
      true,
      false,
    ]);
    refused.forgive(node(1));
    expect(refused.isPaused(node(1))).toBe(false);
  });
});
