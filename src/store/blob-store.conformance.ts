// biome-ignore-all lint/complexity/noExcessiveLinesPerFunction: a suite of tests, as in *.test.ts
/** What every blob store must do. `make` gives an empty store; the suite closes it. Spec: docs/spec/06-store.md. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PieceRoot, Sha256 } from '../core/index.ts';
import { heldOf, PIECE_BYTES as PIECE, sha256Of, specOf, stateOf, writePieces } from './blobs.fixture.ts';
import { describeOpenParts } from './open-parts.conformance.ts';
import type { BlobStore } from './ports.ts';

export function describeBlobStore(name: string, make: (quotaBytes?: number) => Promise<BlobStore>): void {
  describe(`${name} is a blob store`, () => {
    let store: BlobStore;
    let folder: string;
    const bytes = randomBytes(3 * PIECE + 17);
    const spec = specOf(bytes);

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'blob-store-'));
      store = await make();
    });
    afterEach(async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function adoptFile(content: Buffer, file = 'model.bin'): Promise<string> {
      const path = join(folder, file);
      await writeFile(path, content);
      await store.adopt(sha256Of(content), path, await stateOf(path));
      return path;
    }
    async function readAll(sha256: Sha256): Promise<Buffer> {
      await using reader = await store.openRead(sha256);
      return buffer(reader.stream(0, reader.sizeBytes));
    }

    describe('writing', () => {
      it('openWrite() and finish() make a blob that reads back, pieces in any order', async () => {
        const writer = await store.openWrite(spec);
        await writePieces(writer, bytes, [3, 0, 2, 1]);
        const result = await writer.finish();
        expect(result).toMatchObject({ sha256: spec.sha256, sizeBytes: bytes.length, place: 'owned', refs: 0 });
        expect(await store.stat(spec.sha256)).toEqual(result);
        expect((await readAll(spec.sha256)).equals(bytes)).toBe(true);
        expect(await store.listParts()).toEqual([]);
      });

      it('finish() refuses a blob with missing pieces and keeps the part', async () => {
        const writer = await store.openWrite(spec);
        await writePieces(writer, bytes, [0, 1, 2]);
        await expect(writer.finish()).rejects.toMatchObject({ code: 'incomplete', data: { missing: 1 } });
        await writePieces(writer, bytes, [3]);
        await writer.finish();
      });

      it('openWrite() goes on with what an earlier writer left', async () => {
        const first = await store.openWrite(spec);
        await writePieces(first, bytes, [1, 3]);
        await first.close();
        expect(await store.listParts()).toEqual([{ sha256: spec.sha256, heldBytes: PIECE + 17 }]);
        const second = await store.openWrite(spec);
        expect(heldOf(second)).toEqual([1, 3]);
        expect(second.heldPiecesUnsure).toBe(false);
        await writePieces(second, bytes, [0, 2]);
        await second.finish();
        expect((await readAll(spec.sha256)).equals(bytes)).toBe(true);
      });

      it('revokePiece() takes a piece back for good', async () => {
        const first = await store.openWrite(spec);
        await writePieces(first, bytes, [0, 1]);
        first.revokePiece(0);
        await first.close();
        expect(heldOf(await store.openWrite(spec))).toEqual([1]);
      });

      it('openWrite() discards a part of another layout under the same digest', async () => {
        const first = await store.openWrite(spec);
        await writePieces(first, bytes, [0, 1]);
        await first.close();
        const second = await store.openWrite({ ...spec, pieceRoot: 'cd'.repeat(32) as PieceRoot });
        expect(heldOf(second)).toEqual([]);
      });

      it('openWrite() refuses a second writer, an owned blob and measures without sense', async () => {
        const writer = await store.openWrite(spec);
        await expect(store.openWrite(spec)).rejects.toMatchObject({ code: 'blob_busy' });
        await expect(store.discardPart(spec.sha256)).rejects.toMatchObject({ code: 'blob_busy' });
        await writePieces(writer, bytes, [0, 1, 2, 3]);
        await writer.finish();
        await expect(store.openWrite(spec)).rejects.toMatchObject({ code: 'blob_exists' });
        const absurd = { ...specOf(Buffer.of(1)), sizeBytes: 2 ** 52 };
        await expect(store.openWrite(absurd)).rejects.toMatchObject({ code: 'out_of_range' });
        await expect(store.openWrite({ ...absurd, sizeBytes: -1 })).rejects.toMatchObject({ code: 'out_of_range' });
      });

      it('write() refuses bytes past the size that was promised, commitPiece() pieces that are none', async () => {
        const writer = await store.openWrite(spec);
        await expect(writer.write(Buffer.alloc(2), bytes.length - 1)).rejects.toMatchObject({ code: 'out_of_range' });
        await expect(writer.write(Buffer.alloc(2), -1)).rejects.toMatchObject({ code: 'out_of_range' });
        expect(() => writer.commitPiece(4)).toThrow(expect.objectContaining({ code: 'out_of_range' }));
      });

      it('read() of a writer gives back what was written', async () => {
        const writer = await store.openWrite(spec);
        await writePieces(writer, bytes, [2]);
        const back = Buffer.alloc(PIECE);
        expect(await writer.read(back, 2 * PIECE)).toBe(PIECE);
        expect(back.equals(bytes.subarray(2 * PIECE, 3 * PIECE))).toBe(true);
      });

      it('a closed writer refuses everything; discard() deletes the part', async () => {
        const writer = await store.openWrite(spec);
        await writePieces(writer, bytes, [0]);
        await writer.discard();
        await expect(writer.write(bytes.subarray(0, 1), 0)).rejects.toMatchObject({ code: 'store_closed' });
        expect(() => writer.commitPiece(0)).toThrow(expect.objectContaining({ code: 'store_closed' }));
        expect(await store.listParts()).toEqual([]);
      });

      it('several writers of different blobs run at once', async () => {
        const contents = [1, 2, 3].map((size) => randomBytes(size * PIECE));
        await Promise.all(
          contents.map(async (content) => {
            const writer = await store.openWrite(specOf(content));
            await writePieces(writer, content, [...Array(content.length / PIECE).keys()]);
            await writer.finish();
          }),
        );
        for (const content of contents) expect((await readAll(sha256Of(content))).equals(content)).toBe(true);
      });

      it('stores the empty blob', async () => {
        const empty = Buffer.alloc(0);
        await (await store.openWrite(specOf(empty))).finish();
        expect((await readAll(sha256Of(empty))).length).toBe(0);
      });

      it('put() stores small content and refuses a wrong digest', async () => {
        await store.put(spec.sha256, bytes);
        await store.put(spec.sha256, bytes);
        expect((await readAll(spec.sha256)).equals(bytes)).toBe(true);
        await expect(store.put(spec.sha256, Buffer.of(1))).rejects.toMatchObject({ code: 'digest_mismatch' });
      });

      it('any interleaving of writes, commits, revokes and reopenings keeps exactly the committed pieces', async () => {
        const step = fc.record({ act: fc.constantFrom('commit', 'write', 'revoke', 'reopen'), piece: fc.nat(3) });
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
            let writer = await store.openWrite(spec);
            const held = new Set<number>();
            for (const { act, piece } of steps) {
              if (act === 'commit') await writePieces(writer, bytes, [piece]);
              if (act === 'commit') held.add(piece);
              if (act === 'write') await writer.write(bytes.subarray(piece * PIECE, piece * PIECE + 9), piece * PIECE);
              if (act === 'revoke') writer.revokePiece(piece);
              if (act === 'revoke') held.delete(piece);
              if (act === 'reopen') await writer.close();
              if (act === 'reopen') writer = await store.openWrite(spec);
              expect(heldOf(writer)).toEqual([...held].sort());
            }
            await writer.discard();
          }),
          { numRuns: 25 },
        );
      });
    });

    describeOpenParts(() => store);

    describe('reading', () => {
      it('read() and stream() give ranges, clamped at the end of the blob', async () => {
        await store.put(spec.sha256, bytes);
        await using reader = await store.openRead(spec.sha256);
        const part = Buffer.alloc(100);
        expect(await reader.read(part, bytes.length - 10)).toBe(10);
        expect((await buffer(reader.stream(5, 70_000))).equals(bytes.subarray(5, 70_000))).toBe(true);
        expect((await buffer(reader.stream(7, 7))).length).toBe(0);
        expect(() => reader.stream(0, bytes.length + 1)).toThrow(expect.objectContaining({ code: 'out_of_range' }));
        expect(() => reader.stream(-1, 3)).toThrow(expect.objectContaining({ code: 'out_of_range' }));
      });

      it('openRead() says that a blob is absent', async () => {
        await expect(store.openRead(spec.sha256)).rejects.toMatchObject({ code: 'blob_not_found' });
        expect(await store.stat(spec.sha256)).toBeUndefined();
      });

      it('a stream goes on after its reader is closed and its blob removed', async () => {
        await store.put(spec.sha256, bytes);
        const reader = await store.openRead(spec.sha256);
        const stream = reader.stream(0, bytes.length);
        await reader.close();
        await store.remove(spec.sha256);
        expect((await buffer(stream)).equals(bytes)).toBe(true);
        await expect(reader.read(Buffer.alloc(1), 0)).rejects.toMatchObject({ code: 'store_closed' });
      });
    });

    describe('adopting', () => {
      it('adopt() serves a file where it lies', async () => {
        const path = await adoptFile(bytes);
        expect(await store.stat(spec.sha256)).toMatchObject({ place: 'adopted', path, sizeBytes: bytes.length });
        expect((await readAll(spec.sha256)).equals(bytes)).toBe(true);
      });

      it('adopt() refuses a file in another state than the hashed one', async () => {
        const path = await adoptFile(bytes);
        const before = await stateOf(path);
        await writeFile(path, randomBytes(10));
        await expect(store.adopt(spec.sha256, path, before)).rejects.toMatchObject({ code: 'blob_changed' });
      });

      it('stat() and openRead() forget an adopted file that changed', async () => {
        const path = await adoptFile(bytes);
        await writeFile(path, randomBytes(bytes.length));
        await expect(store.openRead(spec.sha256)).rejects.toMatchObject({ code: 'blob_changed' });
        expect(await store.stat(spec.sha256)).toBeUndefined();
        await expect(store.openRead(spec.sha256)).rejects.toMatchObject({ code: 'blob_not_found' });
      });

      it('stat() says undefined when the adopted file vanished', async () => {
        await rm(await adoptFile(bytes));
        expect(await store.stat(spec.sha256)).toBeUndefined();
      });

      it('stream() passes on nothing of a file that changed while it was read', async () => {
        const content = randomBytes(5 * 1024 * 1024);
        const path = await adoptFile(content);
        await using reader = await store.openRead(sha256Of(content));
        const got: Buffer[] = [];
        const reading = (async () => {
          for await (const chunk of reader.stream(0, content.length)) {
            if (got.length === 0) await writeFile(path, Buffer.alloc(content.length, 1), { flag: 'r+' });
            got.push(chunk as Buffer);
          }
        })();
        await expect(reading).rejects.toMatchObject({ code: 'blob_changed' });
        const passedOn = Buffer.concat(got);
        expect(passedOn.length).toBeLessThan(content.length);
        expect(passedOn.equals(content.subarray(0, passedOn.length))).toBe(true);
      });

      it('another file moved to the path changes nothing for a running read, and is refused at the next', async () => {
        const path = await adoptFile(bytes);
        await using reader = await store.openRead(spec.sha256);
        await writeFile(`${path}.new`, randomBytes(bytes.length));
        await rename(`${path}.new`, path);
        expect((await buffer(reader.stream(0, bytes.length))).equals(bytes)).toBe(true);
        await expect(store.openRead(spec.sha256)).rejects.toMatchObject({ code: 'blob_changed' });
      });

      it('an owned blob is preferred, and serves when the adopted file is gone', async () => {
        const path = await adoptFile(bytes);
        await store.put(spec.sha256, bytes);
        expect((await store.stat(spec.sha256))?.place).toBe('owned');
        await rm(path);
        expect((await readAll(spec.sha256)).equals(bytes)).toBe(true);
      });

      it('a second adopted file serves when the first is gone', async () => {
        await rm(await adoptFile(bytes, 'a'));
        const second = await adoptFile(bytes, 'b');
        expect(await store.stat(spec.sha256)).toMatchObject({ path: second });
      });
    });

    describe('uses', () => {
      it('collect() deletes what nobody holds, and nothing else', async () => {
        const [held, pinned, free] = [randomBytes(10), randomBytes(20), randomBytes(30)];
        await store.addRef(sha256Of(held), 'model:a');
        await store.addRef(sha256Of(held), 'model:a');
        for (const content of [held, pinned, free]) await store.put(sha256Of(content), content);
        await store.pin(sha256Of(pinned));
        expect(await store.collect()).toEqual({ freedBytes: 30, removed: [sha256Of(free)] });
        await store.removeRef(sha256Of(held), 'model:a');
        await store.unpin(sha256Of(pinned));
        expect((await store.collect()).freedBytes).toBe(30);
        expect((await store.usage()).ownedBytes).toBe(0);
      });

      it('collect() forgets an adopted file and leaves it where it is', async () => {
        const path = await adoptFile(bytes);
        expect(await store.collect()).toEqual({ freedBytes: 0, removed: [spec.sha256] });
        expect((await stat(path)).size).toBe(bytes.length);
        expect(await store.stat(spec.sha256)).toBeUndefined();
      });

      it('remove() refuses what is held or pinned', async () => {
        await store.put(spec.sha256, bytes);
        await store.addRef(spec.sha256, 'model:a');
        await expect(store.remove(spec.sha256)).rejects.toMatchObject({ code: 'blob_in_use' });
        await store.removeRef(spec.sha256, 'model:a');
        expect(await store.remove(spec.sha256)).toBe(true);
        expect(await store.remove(spec.sha256)).toBe(false);
      });

      it('hold() keeps a blob from collection until the last hold is given up', async () => {
        const [first, second] = [store.hold(spec.sha256), store.hold(spec.sha256)];
        await store.put(spec.sha256, bytes);
        first[Symbol.dispose]();
        first[Symbol.dispose]();
        expect((await store.collect()).removed).toEqual([]);
        await expect(store.remove(spec.sha256)).rejects.toMatchObject({ code: 'blob_in_use' });
        second[Symbol.dispose]();
        expect((await store.collect()).removed).toEqual([spec.sha256]);
      });

      it('addRef() refuses a holder without a name or with an endless one', async () => {
        await expect(store.addRef(spec.sha256, '')).rejects.toMatchObject({ code: 'out_of_range' });
        await expect(store.addRef(spec.sha256, 'x'.repeat(201))).rejects.toMatchObject({ code: 'out_of_range' });
      });

      it('the quota counts blobs, parts and open downloads', async () => {
        await store.close();
        store = await make(bytes.length * 2);
        await store.put(spec.sha256, bytes);
        const other = randomBytes(bytes.length);
        const writer = await store.openWrite(specOf(other));
        const third = specOf(randomBytes(20));
        await expect(store.openWrite(third)).rejects.toMatchObject({ code: 'quota_exceeded' });
        await writePieces(writer, other, [0]);
        await writer.close();
        expect(await store.usage()).toEqual({
          ownedBytes: bytes.length,
          partialBytes: PIECE,
          quotaBytes: bytes.length * 2,
        });
        await (await store.openWrite(third)).discard();
      });

      it('a closed store refuses', async () => {
        await store.close();
        await expect(store.openWrite(spec)).rejects.toMatchObject({ code: 'store_closed' });
      });
    });
  });
}
