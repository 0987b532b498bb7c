/** Liars about a content's size or root cost themselves alone. Spec: docs/spec/09-registry.md §4.4. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { MiB, type PieceRoot } from '../../core/index.ts';
import type { HolderView, PullTarget } from './ports.ts';
import { oneFile, PullBench, TestPeer } from './pulling.fixture.ts';
import type { Transfer } from './transfer.ts';
import type { TransferSnapshot } from './transfer-snapshot.ts';

const content = randomBytes(2 * MiB + 5);
const honest = oneFile('org/one', content);

/** A liar's word of the honest content, with whatever bytes it has. */
function lieAbout(change: Partial<PullTarget['entry']>): PullTarget {
  return { entry: { ...honest.entry, ...change } };
}

/** Whose claim is asked for decides who is asked. */
function divide(bench: PullBench, lie: PullTarget, liar: TestPeer, peer: TestPeer): void {
  const { swarm } = bench;
  const isLie = ({ entry }: PullTarget) => entry.piece_root === lie.entry.piece_root;
  Object.assign(swarm, {
    holders: (target: PullTarget) => (isLie(target) ? [liar] : [peer]),
    otherClaims: (target: PullTarget) => (isLie(target) ? [honest] : [lie]),
  } satisfies Partial<HolderView>);
}

function over(transfer: Transfer): Promise<TransferSnapshot> {
  return new Promise((resolve) => {
    if (transfer.isOver) return resolve(transfer.snapshot());
    transfer.events.on((snapshot) => {
      if (transfer.isOver) resolve(snapshot);
    });
  });
}

test('a pull whose claim was a lie goes on with what others say of the same digest', async () => {
  const bench = new PullBench();
  const other = oneFile('org/one', randomBytes(content.length));
  const lie = lieAbout({ piece_root: other.entry.piece_root as PieceRoot });
  const liar = new TestPeer('liar', {
    entry: lie.entry,
    blobs: honest.blobs.map((blob) => ({ ...blob, ...disguised(other) })),
  });
  const peer = new TestPeer('peer', honest);
  bench.swarm.add(liar);
  bench.swarm.add(peer);
  divide(bench, lie, liar, peer);
  const end = await over(bench.service().start({ target: lie }));
  expect(end).toMatchObject({ state: 'Completed', entry: honest.entry });
  expect(bench.models.installed).toEqual([expect.objectContaining({ entry: honest.entry, sourceNode: 'peer' })]);
  expect(bench.swarm.reports.map(({ id, isCorrupt }) => [id, isCorrupt])).toEqual([
    ['liar', true],
    ['peer', false],
  ]);
});

test('a claim too large for the disk does not keep the right one out', async () => {
  const bench = new PullBench();
  bench.freeBytes = 100 * MiB;
  const lie = lieAbout({ size_bytes: 1e12, piece_root: '00'.repeat(32) as PieceRoot });
  const peer = bench.swarm.add(new TestPeer('peer', honest));
  divide(bench, lie, new TestPeer('liar'), peer);
  expect(await over(bench.service().start({ target: lie }))).toMatchObject({ state: 'Completed' });
});

test('where every claim fails, the error is that of the first', async () => {
  const bench = new PullBench();
  bench.freeBytes = 1;
  const lie = lieAbout({ size_bytes: 1e12, piece_root: '00'.repeat(32) as PieceRoot });
  divide(bench, lie, new TestPeer('liar'), new TestPeer('peer', honest));
  const end = await over(bench.service().start({ target: lie }));
  expect(end).toMatchObject({ state: 'Failed', entry: lie.entry, error: { code: 'no_space' } });
});

test('who passed on a liar’s pieces in good faith, or sent its own that do not fit a liar’s root, is not blamed', async () => {
  const bench = new PullBench();
  const other = oneFile('org/one', randomBytes(content.length));
  const lie = lieAbout({ piece_root: other.entry.piece_root as PieceRoot });
  const liarsBytes = { entry: lie.entry, blobs: honest.blobs.map((blob) => ({ ...blob, ...disguised(other) })) };
  const liar = new TestPeer('liar', liarsBytes);
  const deceived = new TestPeer('deceived', liarsBytes);
  const rootless = new TestPeer('rootless', honest);
  for (const peer of [deceived, rootless]) peer.signsRoot = false;
  for (const peer of [liar, deceived, rootless]) bench.swarm.add(peer);
  Object.assign(bench.swarm, {
    holders: (target: PullTarget) =>
      target.entry.piece_root === lie.entry.piece_root ? [rootless, deceived, liar] : [rootless],
    otherClaims: (target: PullTarget) => (target === lie ? [honest] : [lie]),
  } satisfies Partial<HolderView>);
  expect(await over(bench.service().start({ target: lie }))).toMatchObject({ state: 'Completed' });
  const corrupt = bench.swarm.reports.filter(({ isCorrupt }) => isCorrupt).map(({ id }) => id);
  expect(corrupt.filter((id) => id !== 'liar')).toEqual([]);
  expect(
    bench.swarm.reports.find(({ id, failures }) => id === 'rootless' && failures.includes('bad_piece')),
  ).toBeDefined();
});

/** Another blob's bytes and pieces under the honest digest. */
function disguised(other: typeof honest) {
  const [blob] = other.blobs;
  if (blob === undefined) throw new Error('a model without a blob');
  return { content: blob.content, pieces: blob.pieces };
}
