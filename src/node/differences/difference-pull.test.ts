/** One file by a difference, from a peer that behaves as the test says. Whole nodes do the same in `src/daemon/differences.test.ts`. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, MiB, type ModelId, type NodeId, type Sha256, silentLogger } from '../../core/index.ts';
import { makeDifference, memorySource } from '../../delta/index.ts';
import { type DifferenceAnswer, type DifferenceLink, modelEntrySchema } from '../../protocol/index.ts';
import { createMemoryBlobStore } from '../../store/index.ts';
import { type TestBlob, testBlob } from '../../testkit/hostile-http-server.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import type { DifferenceQuestion, PieceSource, SourceOutcome } from '../../transfer/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { DifferenceChoice, DifferenceShare, HolderView, WantedDifference } from '../pull/ports.ts';
import { DifferenceCounts } from './difference-counts.ts';
import { DifferencePull } from './difference-pull.ts';
import { DifferenceShelf } from './difference-shelf.ts';

const PEER = 'peer' as NodeId;
const MODEL = 'acme/m' as ModelId;
const first = testBlob(randomBytes(2 * MiB));
const second = testBlob(changed(first.content, 0));
const third = testBlob(changed(second.content, 7));
let oneToTwo: TestBlob;
let twoToThree: TestBlob;
let folder: string;

function changed(bytes: Buffer, from: number) {
  const copy = Buffer.from(bytes);
  for (let at = from; at < copy.length; at += 4001) copy[at] = (copy[at] ?? 0) ^ 0x55;
  return copy;
}

async function differ(base: TestBlob, target: TestBlob): Promise<TestBlob> {
  const parts: Buffer[] = [];
  const source = ({ blob, content }: TestBlob) => ({ sha256: blob.sha256, bytes: memorySource(content) });
  const output = { write: async (bytes: Buffer) => void parts.push(Buffer.from(bytes)) };
  await makeDifference({ base: source(base), target: source(target), output });
  return testBlob(Buffer.concat(parts));
}

function linkOf(base: TestBlob, target: TestBlob, { blob }: TestBlob): DifferenceLink {
  const { sha256, sizeBytes, pieceRoot } = blob;
  return { base: base.blob.sha256, target: target.blob.sha256, sha256, sizeBytes, pieceRoot };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atmosphere-difference-'));
  [oneToTwo, twoToThree] = [await differ(first, second), await differ(second, third)];
});
afterAll(() => rm(folder, { recursive: true }));

/** What the peer has, and says. */
interface Peer {
  readonly blobs: TestBlob[];
  answer: (question: DifferenceQuestion) => DifferenceAnswer | undefined;
  /** Its bytes come, or never. */
  gives: boolean;
  asked: DifferenceQuestion[];
}

let peer: Peer;
let store: ReturnType<typeof createMemoryBlobStore>;
let counts: DifferenceCounts;
let shares: (DifferenceShare | undefined)[];
let marks: SourceOutcome[];
let hashes: Map<Sha256, Buffer>;
let fetched: Set<Sha256>;

beforeEach(async () => {
  const answer = (): DifferenceAnswer => ({ state: 'made', chain: [linkOf(first, second, oneToTwo)] });
  peer = { blobs: [first, second, third, oneToTwo, twoToThree], answer, gives: true, asked: [] };
  store = createMemoryBlobStore();
  await store.put(first.blob.sha256, first.content);
  [counts, shares, marks, hashes, fetched] = [new DifferenceCounts(), [], [], new Map(), new Set()];
});

function sourceOf(wanted: Sha256): PieceSource | undefined {
  const held = peer.blobs.find(({ blob }) => blob.sha256 === wanted);
  if (held === undefined) return undefined;
  return {
    ...{ id: PEER, nodeId: PEER, expectedRate: 1e6 },
    pieceHashes: async () => held.pieces,
    async askDifference(question) {
      peer.asked.push(question);
      const answer = peer.answer(question);
      if (answer === undefined) throw new Error('it has none');
      return answer;
    },
    openLane: async () => ({
      async read({ start, end }, receive, signal) {
        if (!peer.gives)
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        for (let at = start; at < end; at = Math.min(end, (Math.floor(at / MiB) + 1) * MiB))
          await receive(held.content.subarray(at, Math.min(end, (Math.floor(at / MiB) + 1) * MiB)));
      },
      close() {},
    }),
  };
}

const view: HolderView = {
  holders: () => [{ nodeId: PEER, name: PEER, distance: 2 }],
  onChange: () => () => {},
  sourceFor: (_, { sha256 }) => sourceOf(sha256),
  report: () => {},
};

async function puller(clock: Clock = new VirtualClock()): Promise<DifferencePull> {
  const rows = { list: () => [], put() {}, get: () => undefined, to: () => [], touch() {}, delete: () => true };
  const pieceLists = { get: () => undefined, delete: (sha256: Sha256) => void hashes.delete(sha256) };
  const freeBytes = async () => 1000 * MiB;
  const shelf = new DifferenceShelf({ rows, pieceLists, store, freeBytes, clock, logger: silentLogger });
  const file = ({ blob }: TestBlob) => ({ path: 'm.gguf', sizeBytes: blob.sizeBytes, sha256: blob.sha256 });
  return new DifferencePull({
    ...{ store, shelf, counts, folder, clock, logger: silentLogger },
    isFetched: (sha256) => fetched.has(sha256),
    contents: () => [{ modelId: MODEL, version: '1', parents: [], files: [file(first)] }],
    describe: ({ blob }) => ({
      ...{ modelId: MODEL, version: '9', parents: [] },
      file: { path: 'm.gguf', sizeBytes: blob.sizeBytes, sha256: blob.sha256 },
    }),
  });
}

function wanted({ blob }: TestBlob, choice: DifferenceChoice | 'none' = 'always'): WantedDifference {
  const { sha256, sizeBytes, pieceRoot } = blob;
  const difference = choice === 'none' ? undefined : choice;
  const entry = {
    model_id: MODEL,
    name: 'm',
    type: 'llm',
    format: 'gguf',
    version: '9',
    sha256,
    size_bytes: sizeBytes,
  };
  return {
    target: { entry: modelEntrySchema.parse({ ...entry, piece_root: pieceRoot }), difference },
    blob: { sha256, sizeBytes, pieceRoot, path: 'm.gguf' },
    deps: {
      ...{ store, view, freeBytes: async () => 1000 * MiB },
      pieceHashes: { get: (name) => hashes.get(name), put: ({ sha256: name }, list) => void hashes.set(name, list) },
    },
    ...{ rateLimit: Number.POSITIVE_INFINITY, marks, onSources: () => {}, onVerified: () => {} },
    onShare: (share) => shares.push(share),
  };
}

const never = (): AbortSignal => new AbortController().signal;

async function stored(sha256: Sha256): Promise<string | undefined> {
  if ((await store.stat(sha256)) === undefined) return undefined;
  await using reader = await store.openRead(sha256);
  const bytes = Buffer.alloc(reader.sizeBytes);
  await reader.read(bytes, 0);
  return createHash('sha256').update(bytes).digest('hex');
}

describe('DifferencePull', () => {
  it('makes the file of what is here and what differs', async () => {
    expect(await (await puller()).pull(wanted(second), never())).toBe(true);
    expect(await stored(second.blob.sha256)).toBe(second.blob.sha256);
    expect(shares.at(-1)).toEqual({
      ...{ state: 'applied', insteadOfBytes: second.content.length },
      ...{ bytes: oneToTwo.content.length, totalBytes: oneToTwo.content.length },
    });
    expect(peer.asked).toEqual([{ bases: [first.blob.sha256], madeOnly: true }]);
    expect(await store.stat(oneToTwo.blob.sha256)).toBeDefined();
  });

  it('goes by a chain, and leaves nothing of what lies between', async () => {
    peer.answer = () => ({
      state: 'made',
      chain: [linkOf(first, second, oneToTwo), linkOf(second, third, twoToThree)],
    });
    expect(await (await puller()).pull(wanted(third), never())).toBe(true);
    expect(await stored(third.blob.sha256)).toBe(third.blob.sha256);
    for (const { blob } of [second, oneToTwo, twoToThree]) expect(await store.stat(blob.sha256)).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });

  it('waits while a peer makes one', async () => {
    const clock = new VirtualClock();
    const made = peer.answer;
    peer.answer = ({ madeOnly }): DifferenceAnswer | undefined => {
      if (madeOnly) return undefined;
      return peer.asked.length < 4
        ? { state: 'making', percent: 10, retryAfterMs: 1000 }
        : made({ bases: [], madeOnly });
    };
    const pulling = (await puller(clock)).pull(wanted(second), never());
    while (peer.asked.length < 4) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(500);
    }
    expect(await pulling).toBe(true);
    expect(shares[0]).toMatchObject({ state: 'making' });
  });

  it.each<[string, Peer['answer'], string]>([
    ['has none', () => undefined, 'none_offered'],
    [
      'offers one from another base',
      () => ({ state: 'made', chain: [linkOf(third, second, oneToTwo)] }),
      'none_offered',
    ],
    [
      'offers one that is too large',
      () => ({ state: 'made', chain: [{ ...linkOf(first, second, oneToTwo), sizeBytes: 2 * MiB }] }),
      'not_worth_it',
    ],
    [
      'offers a chain in a circle',
      () => ({
        state: 'made',
        chain: [linkOf(first, second, oneToTwo), linkOf(second, first, twoToThree), linkOf(first, second, oneToTwo)],
      }),
      'none_offered',
    ],
  ])('of a peer that %s the file comes whole', async (_, answer, end) => {
    peer.answer = answer;
    expect(await (await puller()).pull(wanted(second), never())).toBe(false);
    expect([...counts.ends()]).toEqual([[end, 1]]);
    expect([shares.at(-1), marks]).toEqual([undefined, []]);
    expect(await store.stat(oneToTwo.blob.sha256)).toBeUndefined();
  });

  it('asks nobody without a base, against the user, or for what is small', async () => {
    const one = await puller();
    expect(await one.pull(wanted(second, 'never'), never())).toBe(false);
    expect(await one.pull(wanted(second, 'none'), never())).toBe(false);
    await store.remove(first.blob.sha256);
    expect(await one.pull(wanted(second), never())).toBe(false);
    expect(peer.asked).toEqual([]);
  });

  it('marks who gave bytes that make something else, keeps what was right, and asks that peer no more', async () => {
    peer.answer = () => ({ state: 'made', chain: [linkOf(first, third, oneToTwo)] });
    const one = await puller();
    expect(await one.pull(wanted(third), never())).toBe(false);
    expect(marks).toMatchObject([{ nodeId: PEER, isCorrupt: true }]);
    expect([...counts.ends()]).toEqual([['wrong', 1]]);
    expect(await store.stat(oneToTwo.blob.sha256)).toBeUndefined();
    expect(await one.pull(wanted(third), never())).toBe(false);
    expect(peer.asked).toHaveLength(1);
  });

  it('blames nobody where the base here is not what its name says', async () => {
    const rotten = Buffer.from(first.content);
    for (let at = 0; at < rotten.length; at += 1000) rotten[at] = (rotten[at] ?? 0) ^ 1;
    const honest = store.openRead.bind(store);
    store.openRead = async (sha256) => {
      const reader = await honest(sha256);
      if (sha256 !== first.blob.sha256) return reader;
      const read = async (buffer: Buffer, position: number) => rotten.copy(buffer, 0, position);
      const { Readable } = await import('node:stream');
      return Object.assign(Object.create(reader), {
        sizeBytes: rotten.length,
        read,
        stream: () => Readable.from([rotten]),
      });
    };
    expect(await (await puller()).pull(wanted(second), never())).toBe(false);
    expect([marks, ...counts.ends()]).toEqual([[], ['failed', 1]]);
    expect(await store.stat(second.blob.sha256)).toBeUndefined();
  });

  it('leaves alone what a peer calls a difference and is a file here, or on its way', async () => {
    await store.put(oneToTwo.blob.sha256, oneToTwo.content);
    await store.addRef(oneToTwo.blob.sha256, 'model:acme/other@1');
    expect(await (await puller()).pull(wanted(second), never())).toBe(false);
    expect(await store.stat(oneToTwo.blob.sha256)).toBeDefined();
    peer.answer = () => ({ state: 'made', chain: [linkOf(first, third, twoToThree)] });
    fetched.add(twoToThree.blob.sha256);
    expect(await (await puller()).pull(wanted(third), never())).toBe(false);
    peer.answer = () => ({ state: 'made', chain: [linkOf(first, third, third)] });
    expect(await (await puller()).pull(wanted(third), never())).toBe(false);
    expect([marks, await store.listParts()]).toEqual([[], []]);
  });

  it('gives up one of which nothing comes', async () => {
    const clock = new VirtualClock();
    peer.gives = false;
    const pulling = (await puller(clock)).pull(wanted(second), never());
    let isOver = false;
    void pulling.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(NODE_LIMITS.differenceStallMs / 10);
    }
    expect(await pulling).toBe(false);
    expect([marks, ...counts.ends()]).toEqual([[], ['failed', 1]]);
    expect(await store.listParts()).toEqual([]);
  });

  it('called off, keeps the part of the difference for the next time', async () => {
    peer.gives = false;
    const off = new AbortController();
    const one = await puller();
    const told = { ...wanted(second), deps: { ...wanted(second).deps, fetched } };
    const pulling = one.pull(told, off.signal);
    pulling.catch(() => {});
    while ((await store.listParts()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    off.abort(new Error('paused'));
    await expect(pulling).rejects.toThrow('paused');
    expect((await store.listParts()).map(({ sha256 }) => sha256)).toEqual([oneToTwo.blob.sha256]);
    peer.gives = true;
    expect([...fetched]).toEqual([oneToTwo.blob.sha256]);
    expect(await one.pull(told, never())).toBe(true);
  });
});
