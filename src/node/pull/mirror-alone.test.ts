/** Pulls that go on from a mirror when no peer is heard of. Spec: docs/spec/10-transfer.md §10. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { MiB, silentLogger, systemClock } from '../../core/index.ts';
import { eventually, nextTurn } from '../../testkit/eventually.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { type BlobToGet, type PieceSource, TransferError } from '../../transfer/index.ts';
import { oneFile, PullBench, type TestModel, TestPeer, type TestSwarm } from './pulling.fixture.ts';
import type { Transfer } from './transfer.ts';

const model = oneFile('org/one', randomBytes(3 * MiB + 5));

/** A peer without a piece list that is no holder: a mirror. */
function mirrorOf(view: TestSwarm, held: TestModel): TestPeer {
  const mirror = new TestPeer('mirror', held);
  view.hasMirrors = () => true;
  view.mirrorsOf = (_target, blob: BlobToGet) => {
    const { id, openLane } = mirror.sourceOf(blob) as PieceSource;
    return [{ id, openLane, tier: 2 }];
  };
  return mirror;
}

/** The list of piece hashes is here, and nothing else of the model. */
function knowPieces(bench: PullBench): void {
  const [blob] = model.blobs;
  if (blob !== undefined) bench.keepHashes(blob.blob.sha256, blob.pieces);
}

const isOver = (transfer: Transfer | undefined): Promise<void> => eventually(nextTurn, () => transfer?.isOver === true);

test('a new pull of what has its piece list here needs no peer', async () => {
  const bench = new PullBench();
  const mirror = mirrorOf(bench.swarm, model);
  knowPieces(bench);
  const transfer = bench.service().start({ target: model });
  await isOver(transfer);
  expect(transfer.snapshot()).toMatchObject({ state: 'Completed', bytesDownloaded: 3 * MiB + 5 });
  expect(mirror.reads).toBeGreaterThan(0);
});

test('why a mirror failed is logged once, and told with the transfer and its error', async () => {
  const warnings: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
  const bench = new PullBench();
  knowPieces(bench);
  bench.swarm.hasMirrors = () => true;
  const openLane = async (): Promise<never> => {
    throw new TransferError('refused', 'Asking a peer for bytes: status 403');
  };
  bench.swarm.mirrorsOf = () => ['a', 'b'].map((path) => ({ id: `mirror https://nas.lan/${path}`, openLane, tier: 2 }));
  const transfer = bench.service(systemClock, logger).start({ target: model });
  await isOver(transfer);
  const { error, mirrors } = transfer.snapshot();
  const reason = 'Asking a peer for bytes: status 403';
  expect(mirrors).toEqual([{ name: 'mirror https://nas.lan', bytes: 0, failures: 2, reason }]);
  expect(error?.message).toContain(`; mirror https://nas.lan: ${reason}`);
  expect(warnings).toMatchObject([{ model: 'org/one', mirror: 'mirror https://nas.lan', reason }]);
});

test('without the piece list a mirror is nobody to ask', async () => {
  const bench = new PullBench();
  const mirror = mirrorOf(bench.swarm, model);
  const transfer = bench.service().start({ target: model });
  await isOver(transfer);
  expect(transfer.snapshot()).toMatchObject({ state: 'Failed', error: { code: 'holder_offline' } });
  expect(mirror.reads).toBe(0);
});

test('a restarted pull gives peers a few seconds to be heard of, and then goes on from the mirror', async () => {
  const bench = new PullBench();
  const mirror = mirrorOf(bench.swarm, model);
  knowPieces(bench);
  const row = {
    requestId: 'r',
    entry: model.entry,
    from: undefined,
    state: 'Downloading',
    bytesDownloaded: 5,
  } as const;
  bench.log.put({ ...row, startedAtMs: 1, updatedAtMs: 1, path: undefined, error: undefined });
  const clock = new VirtualClock();
  const service = bench.service(clock);
  service.resume();
  const transfer = service.get('r' as never);
  await clock.advance(4_000);
  expect([mirror.reads, transfer?.snapshot().waiting]).toEqual([0, expect.anything()]);
  await clock.advance(2_000);
  await isOver(transfer);
  expect(transfer?.snapshot().state).toBe('Completed');
});

test('a paused pull that is resumed goes on from the mirror at once when its peer has left', async () => {
  const bench = new PullBench();
  const peer = bench.swarm.add(new TestPeer('peer', model));
  const gate = Promise.withResolvers<void>();
  peer.gate = gate.promise;
  const service = bench.service();
  const transfer = service.start({ target: model });
  await peer.asked.promise;
  await service.pause(transfer.requestId);
  bench.swarm.peers.length = 0;
  const mirror = mirrorOf(bench.swarm, model);
  service.goOn(transfer.requestId);
  await isOver(transfer);
  expect(transfer.snapshot().state).toBe('Completed');
  expect(mirror.reads).toBeGreaterThan(0);
});

test('who wants one holder and no other gets no mirror either', async () => {
  const bench = new PullBench();
  mirrorOf(bench.swarm, model);
  knowPieces(bench);
  const transfer = bench.service().start({ target: model, from: 'peer' as never });
  await isOver(transfer);
  expect(transfer.snapshot()).toMatchObject({ state: 'Failed', error: { code: 'holder_offline' } });
});
