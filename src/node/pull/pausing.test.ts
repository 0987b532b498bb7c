/** Pauses, wishes, and the network's absence. Spec: docs/spec/10-transfer.md §11. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { MiB, type RequestId } from '../../core/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { TransferError } from '../../transfer/index.ts';
import { isInterruption, pauseAfter } from './interruption.ts';
import { oneFile, PullBench, TestPeer } from './pulling.fixture.ts';
import type { Transfer } from './transfer.ts';
import type { TransferSnapshot } from './transfer-snapshot.ts';

const content = randomBytes(40 * MiB);
const model = oneFile('org/one', content);

function until(transfer: Transfer, isSo: (snapshot: TransferSnapshot) => boolean): Promise<TransferSnapshot> {
  return new Promise((resolve) => {
    if (isSo(transfer.snapshot())) return resolve(transfer.snapshot());
    const stop = transfer.events.on((snapshot) => {
      if (!isSo(snapshot)) return;
      stop();
      resolve(snapshot);
    });
  });
}

const over = (transfer: Transfer) => until(transfer, () => transfer.isOver);

/** A peer that gives `bytes` of its model and then nothing more until it is let, or fails. */
class HalfPeer extends TestPeer {
  halt = Promise.withResolvers<void>();
  given = 0;
  most = 20 * MiB;

  override sourceOf(...args: Parameters<TestPeer['sourceOf']>) {
    const source = super.sourceOf(...args);
    if (source === undefined) return undefined;
    return { ...source, openLane: async (signal: AbortSignal) => this.#slow(await source.openLane(signal)) };
  }

  #slow(lane: Awaited<ReturnType<NonNullable<ReturnType<TestPeer['sourceOf']>>['openLane']>>) {
    const read: typeof lane.read = (range, receive, signal) => {
      const gone = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      gone.catch(() => {});
      const pass = async (bytes: Buffer): Promise<void> => {
        if (this.given >= this.most) await Promise.race([this.halt.promise, gone]);
        this.given += bytes.length;
        await receive(bytes);
      };
      return lane.read(range, pass, signal);
    };
    return { ...lane, read };
  }
}

test('a paused pull has no lane, keeps its part, and goes on without asking for a piece again', async () => {
  const bench = new PullBench();
  const peer = new HalfPeer('peer', model);
  bench.swarm.add(peer);
  const service = bench.service();
  const transfer = service.start({ target: model });
  await until(transfer, ({ bytesDownloaded }) => bytesDownloaded >= 16 * MiB);
  const [paused] = await service.pause(transfer.requestId);
  const snapshot = paused?.snapshot();
  expect(snapshot).toMatchObject({ state: 'Paused', rateBytesPerSecond: 0, etaSeconds: null, waiting: undefined });
  expect(bench.log.list()).toEqual([expect.objectContaining({ state: 'Paused', peers: snapshot?.peers })]);
  const held = snapshot?.bytesDownloaded ?? 0;
  expect(held).toBeGreaterThanOrEqual(16 * MiB);
  peer.most = Number.POSITIVE_INFINITY;
  peer.given = 0;
  expect(service.goOn(transfer.requestId).map((one) => one.snapshot().state)).toEqual(['Pending']);
  const end = await over(transfer);
  expect(end).toMatchObject({ state: 'Completed', bytesDownloaded: content.length });
  expect(peer.given).toBe(content.length - held);
  expect(end.peers).toEqual([expect.objectContaining({ nodeId: 'peer', bytes: content.length })]);
});

test('a paused pull is paused after a restart, says what it has, and resumes', async () => {
  const bench = new PullBench();
  const peer = new HalfPeer('peer', model);
  bench.swarm.add(peer);
  const before = bench.service();
  const { requestId } = before.start({ target: model, wish: { priority: 'low', upload: 9000 } });
  await until(before.get(requestId) as Transfer, ({ bytesDownloaded }) => bytesDownloaded >= 16 * MiB);
  const [paused] = await before.pause();
  await before.close();
  peer.most = Number.POSITIVE_INFINITY;

  const after = bench.service();
  after.resume();
  const transfer = after.get(requestId) as Transfer;
  if (paused === undefined) throw new Error('nothing was paused');
  const { bytesDownloaded, peers } = paused.snapshot();
  const known = { state: 'Paused', bytesDownloaded, peers, wish: { priority: 'low', upload: 9000 } };
  expect(transfer.snapshot()).toMatchObject(known);
  expect(after.goOn()).toEqual([transfer]);
  expect(await over(transfer)).toMatchObject({ state: 'Completed' });
  await after.close();
});

test('a paused pull can be cancelled', async () => {
  const bench = new PullBench();
  const peer = bench.swarm.add(new TestPeer('peer', model));
  peer.gate = new Promise(() => {});
  const service = bench.service();
  const transfer = service.start({ target: model });
  await peer.asked.promise;
  await service.pause();
  service.cancel(transfer.requestId);
  expect(await over(transfer)).toMatchObject({ state: 'Cancelled' });
});

test('what is over cannot be paused, resumed or wished for', async () => {
  const bench = new PullBench();
  bench.swarm.add(new TestPeer('peer', model));
  const service = bench.service();
  const transfer = service.start({ target: model });
  await over(transfer);
  const ended = expect.objectContaining({ code: 'transfer_ended', kind: 'refused' });
  await expect(service.pause(transfer.requestId)).rejects.toThrow(ended);
  expect(() => service.goOn(transfer.requestId)).toThrow(ended);
  expect(() => service.wish(transfer.requestId, { priority: 'high' })).toThrow(ended);
  await expect(service.pause('nobody' as RequestId)).rejects.toThrow(
    expect.objectContaining({ code: 'transfer_not_found' }),
  );
  expect(await service.pause()).toEqual([]);
});

test('a wish is kept with the transfer, and a second pull of the same content adds its own', async () => {
  const bench = new PullBench();
  const peer = bench.swarm.add(new TestPeer('peer', model));
  peer.gate = new Promise(() => {});
  const service = bench.service();
  const transfer = service.start({ target: model, wish: { priority: 'low' } });
  service.wish(transfer.requestId, { download: 50_000 });
  service.start({ target: model, wish: { priority: 'critical' } });
  expect(transfer.snapshot().wish).toEqual({ priority: 'critical', download: 50_000 });
  expect(bench.log.list()[0]?.wish).toEqual({ priority: 'critical', download: 50_000 });
  await service.close();
});

/** A pull with bytes whose only peer then vanishes; on a clock of its own. */
async function interrupted() {
  const bench = new PullBench();
  const clock = new VirtualClock();
  const peer = new HalfPeer('peer', model);
  bench.swarm.add(peer);
  const service = bench.service(clock);
  const transfer = service.start({ target: model });
  while (transfer.snapshot().bytesDownloaded < 16 * MiB) await clock.advance(600);
  bench.swarm.peers.splice(0);
  peer.halt.promise.catch(() => {});
  peer.halt.reject(new TransferError('peer_unreachable', 'it went away'));
  peer.sourceOf = () => undefined;
  for (let turn = 0; turn < 2000 && transfer.snapshot().waiting === undefined; turn += 1) await clock.advance(500);
  return { bench, clock, service, transfer };
}

test('a pull whose peers went away waits for a holder, says so, and goes on by itself', async () => {
  const { bench, clock, transfer } = await interrupted();
  const waiting = transfer.snapshot();
  expect(waiting).toMatchObject({
    state: 'Downloading',
    waiting: { leftMs: expect.any(Number) },
    rateBytesPerSecond: 0,
  });
  expect(waiting.waiting?.leftMs).toBeLessThanOrEqual(600_000);
  await clock.advance(300_000);
  expect(transfer.snapshot().waiting?.leftMs).toBeLessThanOrEqual(300_000);
  bench.swarm.add(new TestPeer('back', model));
  while (transfer.snapshot().bytesDownloaded < content.length) await clock.advance(500);
  expect(await over(transfer)).toMatchObject({ state: 'Completed', waiting: undefined });
});

test('it gives up after ten minutes, with the reason that it had', async () => {
  const { clock, transfer } = await interrupted();
  await clock.advance(560_000);
  expect(transfer.isOver).toBe(false);
  for (let turn = 0; turn < 20 && !transfer.isOver; turn += 1) await clock.advance(15_000);
  expect(transfer.snapshot()).toMatchObject({ state: 'Failed', error: { code: 'no_sources' } });
});

test('it can be paused while it waits, and then waits for its user alone', async () => {
  const { clock, service, transfer } = await interrupted();
  await service.pause(transfer.requestId);
  await clock.advance(3_600_000);
  expect(transfer.snapshot()).toMatchObject({ state: 'Paused', waiting: undefined });
  await service.close();
});

test.each([
  ['nobody can be reached', [{ code: 'peer_unreachable' }, { code: 'bad_piece' }], true],
  ['nobody was there to ask', [], true],
  ['all have refused or lied', [{ code: 'refused' }, { code: 'bad_piece' }], false],
])('isInterruption(): %s', (_, peers, expected) => {
  expect(isInterruption(new TransferError('no_sources', 'no', { data: { peers } }))).toBe(expected);
});

test('isInterruption() is no other failure', () => {
  for (const code of ['bad_piece', 'refused', 'digest_mismatch', 'cancelled'] as const)
    expect(isInterruption(new TransferError(code, 'no'))).toBe(false);
  expect(isInterruption(new Error('disk'))).toBe(false);
});

test('pauseAfter() doubles, within bounds', () => {
  expect([0, 1, 2, 3, 4, 50].map(pauseAfter)).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000]);
});
