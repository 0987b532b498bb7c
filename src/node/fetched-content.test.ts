import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { MiB, type ModelId, type PieceRoot, type Sha256 } from '../core/index.ts';
import { type BlobStore, createMemoryBlobStore } from '../store/index.ts';
import { testBlob } from '../testkit/hostile-http-server.ts';
import { FetchedContent } from './fetched-content.ts';
import { FetchBook, type FetchedBlobs } from './pull/fetch-book.ts';

const blob = testBlob(randomBytes(3 * MiB + 5));
const { sha256, pieceRoot } = blob.blob;
const PEER = { kind: 'peer' };

interface KeptList {
  readonly sizeBytes: number;
  readonly pieceRoot: PieceRoot;
  readonly hashes: Buffer;
}

let store: BlobStore;
let fetching: FetchBook;
let content: FetchedContent;
let pull: FetchedBlobs;
let lists: Map<Sha256, KeptList>;

beforeEach(() => {
  store = createMemoryBlobStore();
  fetching = new FetchBook();
  lists = new Map();
  const pieceLists = {
    get: (digest: Sha256) => lists.get(digest),
    put: (digest: Sha256, list: KeptList) => void lists.set(digest, list),
  };
  content = new FetchedContent({ store, fetching, pieceLists: pieceLists as never });
  pull = fetching.begin(sha256, 'tiny' as ModelId);
});

async function write(...indexes: number[]) {
  const writer = await store.openWrite(blob.blob);
  for (const index of indexes) {
    await writer.write(blob.content.subarray(index * MiB, (index + 1) * MiB), index * MiB);
    writer.commitPiece(index);
  }
  return writer;
}

describe('FetchedContent', () => {
  it('is for members and this machine while the pull is not over', () => {
    const kinds = ['peer', 'loopback', 'token', 'stranger'];
    const may = () => kinds.filter((kind) => content.isFor(sha256, { kind }));
    expect([may(), content.isFor(sha256, undefined)]).toEqual([['peer', 'loopback'], false]);
    pull[Symbol.dispose]();
    expect(may()).toEqual([]);
    expect(content.isFor('ab'.repeat(32) as Sha256, PEER)).toBe(false);
  });

  it('says of a blob of which nothing has come that it may come', async () => {
    await expect(content.openBlob(sha256)).rejects.toMatchObject({ code: 'not_held_yet' });
    await expect(content.openHolding(sha256)).rejects.toMatchObject({ code: 'not_held_yet' });
    expect(() => content.pieceHashes(sha256)).toThrow(expect.objectContaining({ code: 'not_held_yet' }));
    lists.set(sha256, { sizeBytes: blob.content.length, pieceRoot, hashes: blob.pieces });
    expect(content.pieceHashes(sha256)).toBe(blob.pieces);
  });

  it('gives the pieces that have come, tells of each, and of the whole at the end', async () => {
    const writer = await write(2);
    const part = await content.openBlob(sha256);
    await using holding = await content.openHolding(sha256);
    expect(holding).toMatchObject({ sha256, pieceRoot, pieceBytes: MiB, sizeBytes: blob.content.length });
    expect([part.holds?.(2 * MiB, 3 * MiB), part.holds?.(0, 1), holding.held()]).toEqual([
      true,
      false,
      Uint8Array.of(0x20),
    ]);
    const told: unknown[] = [];
    holding.onChange(() => told.push(holding.held()));
    for (const index of [0, 1, 3]) {
      await writer.write(blob.content.subarray(index * MiB, (index + 1) * MiB), index * MiB);
      writer.commitPiece(index);
    }
    await writer.finish();
    expect(told).toEqual([Uint8Array.of(0xa0), Uint8Array.of(0xe0), Uint8Array.of(0xf0), 'all']);
    const bytes = Buffer.alloc(10);
    expect(await part.read(bytes, 5)).toBe(10);
    expect(bytes.equals(blob.content.subarray(5, 15))).toBe(true);
    await part.close();
  });

  it('gives a file of an unfinished model whole, until its pull is over', async () => {
    const writer = await write(0, 1, 2, 3);
    await writer.finish();
    const whole = await content.openBlob(sha256);
    expect([whole.holds, whole.sizeBytes]).toEqual([undefined, blob.content.length]);
    await whole.close();
    await using holding = await content.openHolding(sha256);
    const told: unknown[] = [];
    holding.onChange(() => told.push(holding.held()));
    expect(holding.held()).toBe('all');
    pull[Symbol.dispose]();
    expect(told).toEqual([undefined]);
  });

  it('gives what a paused pull has', async () => {
    await (await write(1)).close();
    await using holding = await content.openHolding(sha256);
    expect(holding.held()).toEqual(Uint8Array.of(0x40));
    const changed = new Promise<void>((resolve) => holding.onChange(resolve));
    const writer = await store.openWrite(blob.blob);
    await changed;
    expect(holding.held()).toBeUndefined();
    await writer.close();
  });
});
