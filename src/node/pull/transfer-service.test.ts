import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { CoreError, MiB, type RequestId, type Sha256 } from '../../core/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { fileSet, oneFile, PullBench, TestPeer } from './pulling.fixture.ts';
import type { Transfer } from './transfer.ts';
import type { TransferSnapshot } from './transfer-snapshot.ts';

const content = randomBytes(3 * MiB + 5);

function over(transfer: Transfer): Promise<TransferSnapshot> {
  return new Promise((resolve) => {
    if (transfer.isOver) return resolve(transfer.snapshot());
    transfer.events.on((snapshot) => {
      if (transfer.isOver) resolve(snapshot);
    });
  });
}

test('start() gets a model, and its rows tell the story in order', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  const peer = bench.swarm.add(new TestPeer('peer', model));
  const transfer = bench.service().start({ target: model });
  const end = await over(transfer);
  expect(end).toMatchObject({ state: 'Completed', path: '/models/org/one', bytesDownloaded: content.length });
  expect(end.peers).toEqual([{ nodeId: peer.nodeId, bytes: content.length, failures: 0, dropped: undefined }]);
  expect(bench.models.installed).toEqual([expect.objectContaining({ entry: model.entry, sourceNode: 'peer' })]);
  const states = bench.log.written.map(({ state }) => state);
  expect(states[0]).toBe('Pending');
  expect(states[1]).toBe('Downloading');
  expect(states.at(-1)).toBe('Completed');
  expect(bench.swarm.reports).toEqual([expect.objectContaining({ id: 'peer', bytes: content.length })]);
});

test('start() joins the pull of the same content that is under way', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  const peer = bench.swarm.add(new TestPeer('peer', model));
  const open = Promise.withResolvers<void>();
  peer.gate = open.promise;
  const service = bench.service();
  const first = service.start({ target: model });
  await peer.asked.promise;
  expect(service.start({ target: model })).toBe(first);
  open.resolve();
  await over(first);
  expect(bench.models.installed).toHaveLength(1);
});

test('start() of what is here moves nothing', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  const peer = bench.swarm.add(new TestPeer('peer', model));
  const service = bench.service();
  await over(service.start({ target: model }));
  const reads = peer.reads;
  const end = await over(service.start({ target: model }));
  expect(end).toMatchObject({ state: 'Completed', alreadyHere: true, bytesDownloaded: content.length });
  expect(peer.reads).toBe(reads);
});

test('the same bytes under two names are moved once', async () => {
  const bench = new PullBench();
  const [one, two] = [oneFile('org/one', content), oneFile('other/two', content)];
  const peer = bench.swarm.add(new TestPeer('peer', one));
  const service = bench.service();
  await over(service.start({ target: one }));
  const reads = peer.reads;
  expect(await over(service.start({ target: two }))).toMatchObject({ state: 'Completed', path: '/models/other/two' });
  expect(peer.reads).toBe(reads);
});

test('cancelByModel() cancels that model and no other', async () => {
  const bench = new PullBench();
  const models = [oneFile('org/one', content), oneFile('org/two', randomBytes(MiB))] as const;
  const peer = bench.swarm.add(new TestPeer('peer', ...models));
  const open = Promise.withResolvers<void>();
  peer.gate = open.promise;
  const service = bench.service();
  const [first, second] = [service.start({ target: models[0] }), service.start({ target: models[1] })];
  await peer.asked.promise;
  expect(service.cancelByModel('org/one')).toBe(1);
  expect(await over(first)).toMatchObject({ state: 'Cancelled', error: { code: 'cancelled' } });
  open.resolve();
  expect(await over(second)).toMatchObject({ state: 'Completed' });
  expect(service.cancelByModel('org/one')).toBe(0);
});

test('cancel() keeps what arrived, and a new pull goes on from there', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  const peer = bench.swarm.add(new TestPeer('peer', model));
  const service = bench.service();
  const first = service.start({ target: model });
  await peer.asked.promise;
  service.cancel(first.requestId);
  await over(first);
  expect(await over(service.start({ target: model }))).toMatchObject({ state: 'Completed' });
});

test('cancel() of an unknown request says so', () => {
  expect(() => new PullBench().service().cancel('nobody' as RequestId)).toThrowError(
    expect.objectContaining({ code: 'transfer_not_found', kind: 'not_found' }),
  );
});

test('without anybody who has it, a pull fails at once', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  expect(await over(bench.service().start({ target: model }))).toMatchObject({
    state: 'Failed',
    error: { code: 'holder_offline', kind: 'unreachable' },
  });
});

test('a pull from one node asks no other', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  const [wanted, other] = [bench.swarm.add(new TestPeer('a', model)), bench.swarm.add(new TestPeer('b', model))];
  const service = bench.service();
  expect(await over(service.start({ target: model, from: other.nodeId }))).toMatchObject({ state: 'Completed' });
  expect([wanted.reads, other.reads > 0]).toEqual([0, true]);
  const nobody = new TestPeer('c').nodeId;
  const more = oneFile('org/more', randomBytes(10));
  bench.swarm.add(new TestPeer('d', more));
  expect(await over(service.start({ target: more, from: nobody }))).toMatchObject({
    state: 'Failed',
    error: { code: 'holder_offline' },
  });
});

test('close() interrupts, and the next process goes on when a holder is heard of', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  const gone = new TestPeer('gone', model);
  gone.gate = new Promise(() => {});
  bench.swarm.add(gone);
  const before = bench.service();
  const { requestId } = before.start({ target: model });
  await gone.asked.promise;
  await before.close();
  expect(bench.log.list()).toEqual([expect.objectContaining({ requestId, state: 'Downloading' })]);

  bench.swarm.peers.splice(0);
  const after = bench.service();
  after.resume();
  const transfer = after.get(requestId) as Transfer;
  expect(transfer.snapshot().state).toBe('Pending');
  bench.swarm.add(new TestPeer('other', oneFile('org/else', randomBytes(9))));
  expect(transfer.snapshot().state).toBe('Pending');
  bench.swarm.add(new TestPeer('back', model));
  expect(await over(transfer)).toMatchObject({ requestId, state: 'Completed' });
});

test('resume() gives up when nobody is heard of for ten minutes', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  bench.log.put(unfinished('r1', model.entry));
  const clock = new VirtualClock();
  const service = bench.service(clock);
  service.resume();
  const transfer = service.get('r1' as RequestId) as Transfer;
  await clock.advance(599_000);
  expect(transfer.snapshot().state).toBe('Pending');
  await clock.advance(2_000);
  expect(transfer.snapshot()).toMatchObject({ state: 'Failed', error: { code: 'holder_offline' } });
});

test('resume() leaves what is over alone, and list() shows it', () => {
  const bench = new PullBench();
  const { entry } = oneFile('org/one', content);
  bench.log.put({ ...unfinished('r1', entry), state: 'Completed', path: '/somewhere' });
  const service = bench.service();
  service.resume();
  expect(service.get('r1' as RequestId)).toBeUndefined();
  expect(service.list()).toEqual([
    expect.objectContaining({ requestId: 'r1', state: 'Completed', path: '/somewhere' }),
  ]);
});

test('a model too large for the disk is refused before a byte of it moves', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  const peer = bench.swarm.add(new TestPeer('peer', model));
  bench.freeBytes = content.length - 1;
  expect(await over(bench.service().start({ target: model }))).toMatchObject({
    state: 'Failed',
    error: { code: 'no_space', kind: 'storage' },
  });
  expect(peer.reads).toBe(0);
});

test('an entry without a piece root is refused', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content, { piece_root: undefined });
  const peer = bench.swarm.add(new TestPeer('peer', model));
  expect(await over(bench.service().start({ target: model }))).toMatchObject({ error: { code: 'no_piece_root' } });
  expect(peer.reads).toBe(0);
});

test('a model of several files arrives whole, files of the same bytes once', async () => {
  const bench = new PullBench();
  const shared = randomBytes(MiB);
  const model = fileSet('org/set', { 'a.bin': shared, 'b/c.bin': shared, 'config.json': Buffer.from('{}') });
  bench.swarm.add(new TestPeer('peer', model));
  const end = await over(bench.service().start({ target: model }));
  expect(end).toMatchObject({ state: 'Completed', bytesDownloaded: MiB + 2, totalBytes: MiB + 2 });
  expect(bench.models.installed[0]?.files.map(({ path }) => path)).toEqual(['a.bin', 'b/c.bin', 'config.json']);
});

test('a collection in the middle of a pull takes nothing that has arrived for it', async () => {
  const bench = new PullBench();
  const model = fileSet('org/set', { 'a.bin': content, 'b.bin': Buffer.from('small') });
  bench.swarm.add(new TestPeer('peer', model));
  const collected: unknown[] = [];
  bench.models.beforeInstall = async () => void collected.push((await bench.store.collect()).removed);
  expect(await over(bench.service().start({ target: model }))).toMatchObject({ state: 'Completed' });
  expect(collected).toEqual([[]]);
  expect((await bench.store.collect()).removed).toHaveLength(3);
});

test.each([
  ['more bytes than the entry', { size_bytes: 10 }],
  ['another number of files', { file_count: 3 }],
])('a file list of %s is refused, and nothing but the list was fetched', async (_, lie) => {
  const bench = new PullBench();
  const model = fileSet('org/set', { 'a.bin': randomBytes(100), 'b.bin': randomBytes(100) }, lie);
  const peer = bench.swarm.add(new TestPeer('peer', model));
  expect(await over(bench.service().start({ target: model }))).toMatchObject({
    state: 'Failed',
    error: { code: 'bad_file_list', kind: 'integrity' },
  });
  expect([peer.reads, bench.models.installed]).toEqual([1, []]);
});

test('a file list with a path that leaves its folder is refused', async () => {
  const bench = new PullBench();
  const honest = fileSet('org/set', { 'aa/model.bin': randomBytes(100) });
  const [list, file] = honest.blobs;
  const evil = oneFile('x', Buffer.from((list?.content.toString() ?? '').replace('aa/model.bin', '../model.bin')))
    .blobs[0];
  if (evil === undefined || file === undefined) throw new Error('the fixture has no list');
  const { sha256, pieceRoot, sizeBytes } = evil.blob;
  const entry = { ...honest.entry, sha256, piece_root: pieceRoot, file_list_bytes: sizeBytes };
  const model = { entry, blobs: [evil, file] };
  bench.swarm.add(new TestPeer('peer', model));
  expect(await over(bench.service().start({ target: model }))).toMatchObject({ state: 'Failed' });
  expect(bench.models.installed).toEqual([]);
});

test('progress grows, in states that follow each other', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', randomBytes(6 * MiB));
  bench.swarm.add(new TestPeer('peer', model));
  const service = bench.service();
  const seen: TransferSnapshot[] = [];
  service.events.on((snapshot) => seen.push(snapshot));
  await over(service.start({ target: model }));
  const bytes = seen.map(({ bytesDownloaded }) => bytesDownloaded);
  expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toMatchObject({
    state: 'Completed',
    bytesDownloaded: 6 * MiB,
    rateBytesPerSecond: 0,
    etaSeconds: null,
  });
});

function unfinished(requestId: string, entry: TransferSnapshot['entry']) {
  const times = { startedAtMs: 1, updatedAtMs: 2 };
  return {
    requestId,
    entry,
    state: 'Downloading' as const,
    bytesDownloaded: 0,
    ...times,
    from: undefined,
    path: undefined,
    error: undefined,
  };
}

test('an install that ends because the node closes is gone on with at the next start', async () => {
  const bench = new PullBench();
  const model = oneFile('org/one', content);
  bench.swarm.add(new TestPeer('peer', model));
  const before = bench.service();
  bench.models.beforeInstall = async () => {
    before.beginClose();
    throw new CoreError('cancelled', 'The node is being shut down');
  };
  const { requestId } = before.start({ target: model });
  await over(before.get(requestId) as Transfer);
  await before.close();
  expect(bench.log.list()).toEqual([expect.objectContaining({ requestId, state: 'Downloading' })]);

  bench.models.beforeInstall = async () => {};
  const after = bench.service();
  after.resume();
  expect(await over(after.get(requestId) as Transfer)).toMatchObject({ state: 'Completed' });
});

test('files that are to be judged come first, and nothing else does when they are no good', async () => {
  const bench = new PullBench();
  const files = { 'a.bin': randomBytes(5000), 'manifest.yaml': Buffer.from('manifest'), 'z.bin': randomBytes(5000) };
  const model = fileSet('org/set', files);
  bench.swarm.add(new TestPeer('peer', model));
  const judged: string[][] = [];
  Object.assign(bench.models, {
    firstFiles: (_: unknown, all: readonly { path: string }[]) => all.filter(({ path }) => path === 'manifest.yaml'),
    judge: async (_: unknown, all: readonly { sha256: Sha256; path: string }[]) => {
      const here = await Promise.all(
        all.map(async ({ sha256, path }) => ((await bench.store.stat(sha256)) ? path : '')),
      );
      judged.push(here.filter((path) => path !== ''));
      if (judged.length === 1) throw new CoreError('invalid_id', 'No good');
    },
  });
  const service = bench.service();
  expect(await over(service.start({ target: model }))).toMatchObject({
    state: 'Failed',
    error: { code: 'invalid_id' },
  });
  expect(await over(service.start({ target: model }))).toMatchObject({ state: 'Completed' });
  expect(judged).toEqual([['manifest.yaml'], ['manifest.yaml']]);
});
