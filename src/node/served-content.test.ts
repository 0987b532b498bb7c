/** What is served to whom, with the library, store and book of pulls that ship. Spec: docs/spec/20-access.md §3. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB, type ModelId, type Sha256, silentLogger } from '../core/index.ts';
import type { ModelAccess } from '../protocol/index.ts';
import type { BlobStore } from '../store/index.ts';
import { testBlob } from '../testkit/hostile-http-server.ts';
import { PolicyReadGate } from './access/read-gate.ts';
import { LibraryBench } from './library/found.fixture.ts';
import { FetchBook } from './pull/fetch-book.ts';
import { type Refusal, ServedModels } from './served-content.ts';

const POLICY: ModelAccess = { type: 'model_access', models: { secret: { read: ['admin'] } } };
const EDGE = { kind: 'peer', role: 'edge' };
const ADMIN = { kind: 'peer', role: 'admin' };
const part = testBlob(randomBytes(3 * MiB));

let bench: LibraryBench;
let fetching: FetchBook;
let store: BlobStore;
let refusals: Refusal[];
let content: ServedModels;

beforeEach(async () => {
  bench = await LibraryBench.open();
  fetching = new FetchBook();
  store = bench.store;
  refusals = [];
  content = new ServedModels({
    ...{ library: bench.library, store, pieceLists: bench.registry.pieceLists, fetching, openLan: false },
    logger: silentLogger,
    readGate: new PolicyReadGate({ policy: () => POLICY, roleOf: () => undefined }),
    onRefusal: (refusal) => refusals.push(refusal),
  });
});
afterEach(() => bench[Symbol.asyncDispose]());

async function refusalOf(work: Promise<unknown>): Promise<string | undefined> {
  return await work.then(
    () => undefined,
    (thrown: { code: string }) => thrown.code,
  );
}

const allWays = (sha256: Sha256, asker: typeof EDGE) =>
  Promise.all([
    refusalOf(content.openBlob(sha256, asker)),
    refusalOf(content.openHolding(sha256, asker)),
    refusalOf(content.pieceHashes(sha256, asker)),
  ]);

test('parts of a pull under way are for those who may read the model that it is for', async () => {
  using pull = fetching.begin(part.blob.sha256, 'secret' as ModelId);
  const writer = await store.openWrite(part.blob);
  await writer.write(part.content.subarray(0, MiB), 0);
  await writer.commitPiece?.(0);
  expect(await allWays(part.blob.sha256, EDGE)).toEqual(['not_permitted', 'not_permitted', 'not_permitted']);
  expect((await allWays(part.blob.sha256, ADMIN)).includes('not_permitted')).toBe(false);
  using _other = fetching.begin(part.blob.sha256, 'open' as ModelId);
  expect((await allWays(part.blob.sha256, EDGE)).includes('not_permitted')).toBe(false);
  pull[Symbol.dispose]();
});

test('what is neither here nor fetched is absent for everybody, and no refusal', async () => {
  expect(await content.openBlob('ab'.repeat(32) as Sha256, EDGE)).toBeUndefined();
  expect(refusals).toEqual([]);
});

test('a refusal names the model, the role and the command, and is told', async () => {
  using _pull = fetching.begin(part.blob.sha256, 'secret' as ModelId);
  await expect(content.openBlob(part.blob.sha256, EDGE)).rejects.toMatchObject({
    code: 'not_permitted',
    message: expect.stringMatching(/edge may not read it.*atmosphere access set secret --read/),
    data: { model_id: 'secret', role: 'edge' },
  });
  expect(refusals).toEqual([{ sha256: part.blob.sha256, modelIds: ['secret'], asker: EDGE }]);
  await expect(content.openBlob(part.blob.sha256)).rejects.toMatchObject({ code: 'not_permitted' });
});

test('a blob of a kept model alone is refused; one that an open model has too, or that is public, is not', async () => {
  const bytes = Buffer.from('the same bytes under two names');
  await bench.have('secret', { 'm.gguf': bytes });
  const [sha256] = bench.library.list().map((model) => model.sha256);
  const digest = sha256 as Sha256;
  expect(await allWays(digest, EDGE)).toEqual(['not_permitted', 'not_permitted', 'not_permitted']);
  bench.library.setPublic('secret' as ModelId, true);
  expect((await allWays(digest, EDGE)).includes('not_permitted')).toBe(false);
  bench.library.setPublic('secret' as ModelId, false);
  expect(await allWays(digest, EDGE)).toContain('not_permitted');
  await bench.have('open', { 'm.gguf': bytes });
  expect((await allWays(digest, EDGE)).includes('not_permitted')).toBe(false);
});
