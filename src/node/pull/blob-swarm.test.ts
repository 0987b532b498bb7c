import { expect, test } from 'vitest';
import { type NodeId, seededRandom } from '../../core/index.ts';
import type { BlobToGet, PieceSource } from '../../transfer/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { BlobSwarm } from './blob-swarm.ts';
import type { Holder, HolderView, PullTarget } from './ports.ts';
import { oneFile } from './pulling.fixture.ts';

const model = oneFile('org/m', Buffer.from('content'));
const blob = model.blobs[0]?.blob as BlobToGet;
const target: PullTarget = { entry: model.entry };
const people = (name: string, count: number, change: Partial<Holder> = {}): Holder[] =>
  Array.from({ length: count }, (_, at) => ({ nodeId: `${name}${at}` as NodeId, name, distance: 1, ...change }));

function sourceOf({ nodeId }: Holder): PieceSource {
  return { id: nodeId, openLane: () => Promise.reject(new Error('nothing is read here')) };
}

function viewOf(fetchers: readonly Holder[], unreachable: readonly Holder[] = []): HolderView {
  return {
    holders: () => [],
    fetchers: () => fetchers,
    onChange: () => () => {},
    sourceFor: (holder) => (unreachable.includes(holder) ? undefined : sourceOf(holder)),
    report: () => {},
  };
}

const names = (sources: readonly PieceSource[]): string[] => sources.map(({ id }) => id);

test('those who fetch are asked beside those who have it; who is both counts once', () => {
  const [holder, both, fetcher] = people('p', 3) as [Holder, Holder, Holder];
  const swarm = new BlobSwarm(viewOf([both, fetcher]), target, blob);
  expect(names(swarm.more([holder, both])).sort()).toEqual(['p0', 'p1', 'p2']);
  expect(swarm.more([holder, both])).toEqual([]);
});

test('who was at no address is asked when it is at one', () => {
  const [away] = people('p', 1) as [Holder];
  const unreachable = [away];
  const swarm = new BlobSwarm(viewOf([], unreachable), target, blob);
  expect(swarm.more([away])).toEqual([]);
  unreachable.pop();
  expect(names(swarm.more([away]))).toEqual(['p0']);
});

test('of thousands only so many are asked, in all, and the preferred one always', () => {
  const fetchers = people('part', 3000);
  const holders = people('full', 5);
  const swarm = new BlobSwarm(
    viewOf(fetchers),
    { ...target, preferredNodeId: 'full4' as NodeId },
    blob,
    seededRandom(1),
  );
  const first = names(swarm.more(holders));
  expect([first[0], first.length]).toEqual(['full4', NODE_LIMITS.neighboursPerBlob]);
  expect(new Set(first).size).toBe(first.length);
  expect(swarm.more([...holders, ...people('late', 50)])).toEqual([]);
});

test('who takes its word back and gives it again is asked again, and takes no other’s room', () => {
  const fetchers = people('part', 2);
  const swarm = new BlobSwarm(viewOf(fetchers), target, blob);
  expect(names(swarm.more([])).sort()).toEqual(['part0', 'part1']);
  const [cancelled] = fetchers.splice(0, 1) as [Holder];
  expect(swarm.more([])).toEqual([]);
  fetchers.push(cancelled);
  expect(names(swarm.more([]))).toEqual(['part0']);
  expect(swarm.more([])).toEqual([]);
});

test('the places of those who are gone are given to others', () => {
  const fetchers = people('part', NODE_LIMITS.neighboursPerBlob);
  const swarm = new BlobSwarm(viewOf(fetchers), target, blob);
  expect(swarm.more([])).toHaveLength(NODE_LIMITS.neighboursPerBlob);
  fetchers.push(...people('late', 20));
  expect(swarm.more([])).toEqual([]);
  fetchers.splice(0, 5);
  const more = names(swarm.more([]));
  expect(more).toHaveLength(5);
  expect(more.every((name) => name.startsWith('late'))).toBe(true);
  expect(swarm.more([])).toEqual([]);
});
