import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ModelId, Sha256 } from '../../core/index.ts';
import { eventually, nextTurn } from '../../testkit/eventually.ts';
import type { BlobToGet } from '../../transfer/index.ts';
import { FetchBook } from './fetch-book.ts';
import { fileSet, oneFile, PullBench, TestPeer } from './pulling.fixture.ts';

const MODEL = 'tiny' as ModelId;
const digest = (name: string): Sha256 => name.repeat(64) as Sha256;
const [A, B, C, D] = ['a', 'b', 'c', 'd'].map(digest) as [Sha256, Sha256, Sha256, Sha256];

test('newest() has what each pull is named by, then files, the newest first, and only so many', () => {
  const book = new FetchBook();
  const first = book.begin(A, MODEL);
  first.add(B);
  first.add(C);
  const second = book.begin(D, MODEL);
  second.add(B);
  expect(book.newest(32)).toEqual([D, A, B, C]);
  expect(book.newest(2)).toEqual([D, A]);
  first[Symbol.dispose]();
  expect(book.newest(32)).toEqual([D, B]);
  expect([A, B, C].map((sha256) => book.has(sha256))).toEqual([false, true, false]);
});

test('modelsOf() names the model of each pull that fetches a blob, and none when they are over', () => {
  const book = new FetchBook();
  const first = book.begin(A, MODEL);
  const second = book.begin(D, 'other' as ModelId);
  second.add(A);
  expect([book.modelsOf(A), book.modelsOf(D), book.modelsOf(B)]).toEqual([[MODEL, 'other'], ['other'], []]);
  first[Symbol.dispose]();
  second[Symbol.dispose]();
  expect(book.modelsOf(A)).toEqual([]);
});

test('changes are told once each, and nothing after the end', () => {
  const book = new FetchBook();
  let calls = 0;
  book.changes.on(() => {
    calls += 1;
  });
  const pull = book.begin(A, MODEL);
  pull.add(B);
  pull.add(B);
  pull[Symbol.dispose]();
  pull[Symbol.dispose]();
  pull.add(C);
  expect([calls, book.newest(32)]).toEqual([3, []]);
});

test('a pull is in the book from its start, over a pause, to its end', async () => {
  const model = oneFile('org/one', randomBytes(1000));
  const bench = new PullBench();
  const peer = bench.swarm.add(new TestPeer('peer', model));
  const gate = Promise.withResolvers<void>();
  peer.gate = gate.promise;
  const service = bench.service();
  const { requestId } = service.start({ target: model });
  await peer.asked.promise;
  expect(bench.fetching.newest(32)).toEqual([model.entry.sha256]);
  await service.pause(requestId);
  expect(bench.fetching.newest(32)).toEqual([model.entry.sha256]);
  gate.resolve();
  const [transfer] = service.goOn(requestId);
  await new Promise<void>((resolve) => bench.fetching.changes.on(resolve));
  expect([bench.fetching.newest(32), transfer?.snapshot().state]).toEqual([[], 'Completed']);
});

test('a paused pull of several files names, after a restart, those of which something is here', async () => {
  const model = fileSet('org/set', { a: randomBytes(10), b: randomBytes(20), c: randomBytes(30) });
  const bench = new PullBench();
  const [list, a, b] = model.blobs.map(({ blob }) => blob) as [BlobToGet, BlobToGet, BlobToGet];
  await bench.store.put(list.sha256, model.blobs[0]?.content as Buffer);
  await bench.store.put(a.sha256, model.blobs[1]?.content as Buffer);
  await (await bench.store.openWrite(b)).close();
  const row = { requestId: 'r', entry: model.entry, from: undefined, state: 'Paused', bytesDownloaded: 5 } as const;
  bench.log.put({ ...row, startedAtMs: 1, updatedAtMs: 1, path: undefined, error: undefined });
  const service = bench.service();
  service.resume();
  await eventually(nextTurn, () => bench.fetching.newest(32).length === 3);
  expect(bench.fetching.newest(32)).toEqual([list.sha256, b.sha256, a.sha256]);
  await service.close();
  expect(bench.fetching.newest(32)).toEqual([]);
});

test('each file of a model is in the book when its turn comes, those that are here already as well', async () => {
  const model = fileSet('org/set', { a: randomBytes(10), b: randomBytes(20), c: randomBytes(30) });
  const bench = new PullBench();
  bench.swarm.add(new TestPeer('peer', model));
  const [list, here, ...others] = model.blobs.map(({ blob }) => blob.sha256);
  await bench.store.put(here as Sha256, model.blobs[1]?.content as Buffer);
  const told: string[][] = [];
  bench.fetching.changes.on(() => told.push(bench.fetching.newest(32)));
  const service = bench.service();
  bench.models.beforeInstall = async () => {
    expect(bench.fetching.newest(32)).toEqual([list, ...others.toReversed(), here]);
  };
  const transfer = service.start({ target: model });
  await new Promise<void>((resolve) => transfer.events.on(({ path }) => path !== undefined && resolve()));
  expect(told[0]).toEqual([list]);
  await service.close();
  expect(told.at(-1)).toEqual([]);
});
