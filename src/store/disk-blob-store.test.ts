import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, MiB, systemClock } from '../core/index.ts';
import { describeBlobStore } from './blob-store.conformance.ts';
import { heldOf, PIECE_BYTES as PIECE, sha256Of, specOf, writePieces } from './blobs.fixture.ts';
import { type DiskBlobStoreOptions, openDiskBlobStore } from './disk-blob-store.ts';
import { createMemoryBlobIndex } from './memory-blob-index.ts';
import type { BlobStore } from './ports.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'disk-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(options: Partial<DiskBlobStoreOptions> = {}): Promise<BlobStore> {
  return openDiskBlobStore({ folder, index: createMemoryBlobIndex(), reserveBytes: 0, bootId: 'boot-1', ...options });
}

describeBlobStore('the disk store', (quotaBytes) => open({ quotaBytes }));

describe('the disk store over a crash', () => {
  const bytes = randomBytes(5 * PIECE + 3);
  const spec = specOf(bytes);
  const partPath = (name: string) => join(folder, 'parts', spec.sha256, name);

  it('openDiskBlobStore() enters a blob whose index row was lost, and drops a row whose file was lost', async () => {
    const index = createMemoryBlobIndex();
    const first = await open({ index });
    await first.put(spec.sha256, bytes);
    await first.close();
    const second = await open();
    expect((await second.stat(spec.sha256))?.sizeBytes).toBe(bytes.length);
    await rm(join(folder, 'blobs'), { recursive: true });
    await open({ index });
    expect(index.allPlaces()).toEqual([]);
  });

  it('an owned blob is read-only, and temporary files go at opening', async () => {
    const store = await open();
    await store.put(spec.sha256, bytes);
    const path = (await store.stat(spec.sha256))?.path ?? '';
    expect((await stat(path)).mode & 0o777).toBe(0o444);
    await writeFile(join(folder, 'parts', 'left.tmp'), 'x');
    await open();
    expect(await readdir(join(folder, 'parts'))).toEqual([]);
  });

  it('what a crash left of a part whose blob has its name goes at opening', async () => {
    const first = await open();
    const writer = await first.openWrite(spec);
    await writePieces(writer, bytes, [0, 1, 2, 3, 4, 5]);
    const journal = await readFile(partPath('journal'));
    await writer.finish();
    await first.close();
    await mkdir(join(folder, 'parts', spec.sha256));
    await writeFile(partPath('journal'), journal);
    const second = await open();
    expect(await readdir(join(folder, 'parts'))).toEqual([]);
    expect((await second.stat(spec.sha256))?.sizeBytes).toBe(bytes.length);
  });

  it('a part is kept for 30 days after its last piece, and then discarded at opening', async () => {
    const first = await open();
    const writer = await first.openWrite(spec);
    await writePieces(writer, bytes, [0]);
    await first.close();
    const at = (days: number): Clock => ({ ...systemClock, nowMs: () => Date.now() + days * 86_400_000 });
    expect(await (await open({ clock: at(29) })).listParts()).toHaveLength(1);
    expect(await (await open({ clock: at(31) })).listParts()).toEqual([]);
  });

  it('pieces written by a process that was killed count, and the rest is written by the next', async () => {
    const child = spawn(process.execPath, [new URL('./testing/kill-child.ts', import.meta.url).pathname, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const committed: number[] = [];
    for await (const line of createInterface(child.stdout)) {
      committed.push(Number(line));
      if (committed.length === 40) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    const content = await readFile(join(folder, 'content'));
    const store = await open({ folder: join(folder, 'store') });
    const writer = await store.openWrite(specOf(content));
    const held = heldOf(writer);
    expect(held).toEqual(expect.arrayContaining(committed));
    expect(writer.heldPiecesUnsure).toBe(false);
    const back = Buffer.alloc(PIECE);
    for (const index of held) {
      await writer.read(back, index * PIECE);
      expect(back.equals(content.subarray(index * PIECE, (index + 1) * PIECE))).toBe(true);
    }
    const all = [...Array(content.length / PIECE).keys()];
    await writePieces(
      writer,
      content,
      all.filter((index) => !held.includes(index)),
    );
    const { path } = await writer.finish();
    expect(sha256Of(await readFile(path))).toBe(sha256Of(content));
    await store.close();
  });

  it('any interleaving of writes, commits, revokes and crashes leaves exactly the committed pieces', async () => {
    const step = fc.record({ act: fc.constantFrom('commit', 'write', 'revoke', 'crash'), piece: fc.nat(5) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.constantFrom(PIECE, 1e9), async (steps, syncStepBytes) => {
        const abandoned: BlobStore[] = [];
        const begin = async () => {
          const store = await open({ syncStepBytes });
          abandoned.push(store);
          return store.openWrite(spec);
        };
        let writer = await begin();
        const held = new Set<number>();
        for (const { act, piece } of steps) {
          if (act === 'commit') await writePieces(writer, bytes, [piece]);
          if (act === 'commit') held.add(piece);
          if (act === 'write') await writer.write(bytes.subarray(piece * PIECE, piece * PIECE + 3), piece * PIECE);
          if (act === 'revoke') writer.revokePiece(piece);
          if (act === 'revoke') held.delete(piece);
          // The writer is dropped as it is: nothing is closed before the next store opens the folder.
          if (act === 'crash') writer = await begin();
          expect(heldOf(writer)).toEqual([...held].sort());
          expect(writer.heldPiecesUnsure).toBe(false);
        }
        await writer.discard();
        for (const store of abandoned) await store.close();
      }),
      { numRuns: 20 },
    );
  });

  it('after a power cut, pieces that no sync covered are in doubt until they are checked', async () => {
    const first = await (await open({ syncStepBytes: Number.MAX_SAFE_INTEGER })).openWrite(spec);
    await writePieces(first, bytes, [0, 1, 2]);
    await first.close();
    const second = await (await open({ bootId: 'boot-2' })).openWrite(spec);
    expect(heldOf(second)).toEqual([0, 1, 2]);
    expect(second.heldPiecesUnsure).toBe(true);
    second.commitPiece(0);
    second.revokePiece(1);
    await second.close();
    const third = await (await open({ bootId: 'boot-2' })).openWrite(spec);
    expect(heldOf(third)).toEqual([0, 2]);
    expect([...third.unsurePieces]).toEqual([0b0010_0000]);
    await writePieces(third, bytes, [1, 3, 4, 5]);
    await expect(third.finish()).rejects.toMatchObject({ code: 'incomplete', data: { missing: 0, unsure: 1 } });
    third.commitPiece(2);
    await third.finish();
  });

  it('pieces that a background sync covered are sure after a power cut', async () => {
    const first = await (await open({ syncStepBytes: 2 * PIECE })).openWrite(spec);
    await writePieces(first, bytes, [0, 1]);
    await first.write(bytes.subarray(2 * PIECE, 4 * PIECE), 2 * PIECE);
    await first.close();
    const second = await (await open({ bootId: 'boot-2' })).openWrite(spec);
    expect(heldOf(second)).toEqual([0, 1]);
    expect(second.unsurePieces[0] ?? 0).toBeLessThan(0b1000_0000);
  });

  it('a torn tail of the journal is cut', async () => {
    const first = await (await open()).openWrite(spec);
    await writePieces(first, bytes, [0, 1, 2]);
    await first.close();
    await truncate(partPath('journal'), (await stat(partPath('journal'))).size - 5);
    await appendFile(partPath('journal'), Buffer.alloc(1));
    expect(heldOf(await (await open()).openWrite(spec))).toEqual([0, 1]);
  });

  it('a journal of garbage, an endless one and a part without data hold no pieces', async () => {
    await mkdir(join(folder, 'parts', spec.sha256), { recursive: true });
    await writeFile(partPath('journal'), randomBytes(1000));
    const first = await (await open()).openWrite(spec);
    expect(heldOf(first)).toEqual([]);
    await writePieces(first, bytes, [0]);
    await first.close();
    await rm(partPath('data'));
    const second = await (await open()).openWrite(spec);
    expect(heldOf(second)).toEqual([]);
    await second.close();
    await truncate(partPath('journal'), 17 * MiB);
    expect(heldOf(await (await open()).openWrite(spec))).toEqual([]);
  });
});

describe('the disk store without room', () => {
  it('openWrite() refuses what the disk cannot hold, counting what other downloads will take', async () => {
    const store = await open({ reserveBytes: Number.MAX_SAFE_INTEGER });
    const spec = specOf(randomBytes(10));
    await expect(store.openWrite(spec)).rejects.toMatchObject({ code: 'disk_full', kind: 'storage' });
    expect(await store.listParts()).toEqual([]);
  });

  it('a disk that fills up while writing is disk_full, and the part goes on when there is room again', async () => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    if (!isMounted(disk)) return expectLimitedProcess();
    try {
      const store = await open({ folder: disk });
      const bytes = randomBytes(40 * PIECE);
      const writer = await store.openWrite(specOf(bytes));
      await writePieces(writer, bytes, [0, 1]);
      await fillUp(join(disk, 'filler'));
      const rest = [...Array(38).keys()].map((index) => index + 2);
      await expect(writePieces(writer, bytes, rest)).rejects.toMatchObject({ code: 'disk_full', retry: true });
      await writer.close().catch(() => {});
      await rm(join(disk, 'filler'));
      const again = await store.openWrite(specOf(bytes));
      expect(heldOf(again)).toEqual(expect.arrayContaining([0, 1]));
      const held = heldOf(again);
      await writePieces(
        again,
        bytes,
        rest.filter((index) => !held.includes(index)),
      );
      expect(sha256Of(await readFile((await again.finish()).path))).toBe(sha256Of(bytes));
      await store.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('a process that may write no larger files gets disk_full', () => expectLimitedProcess());

  function isMounted(path: string): boolean {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  async function fillUp(path: string): Promise<void> {
    await expect(
      (async () => {
        for (;;) await appendFile(path, Buffer.alloc(PIECE));
      })(),
    ).rejects.toMatchObject({ code: 'ENOSPC' });
  }

  async function expectLimitedProcess(): Promise<void> {
    const child = new URL('./testing/full-child.ts', import.meta.url).pathname;
    const output = execFileSync('prlimit', ['--fsize=300000', process.execPath, child, join(folder, 'limited')]);
    expect(JSON.parse(output.toString())).toEqual({ large: 'disk_full', small: 'stored' });
  }
});

describe('the disk store and hostile places', () => {
  it('openRead() does not hang on a FIFO that took the place of an adopted file', async () => {
    const store = await open();
    const path = join(folder, 'model');
    await writeFile(path, 'model');
    const { size, mtimeNs, ino, dev } = await stat(path, { bigint: true });
    const sha256 = sha256Of(Buffer.from('model'));
    await store.adopt(sha256, path, { sizeBytes: Number(size), mtimeNs, inode: ino, device: dev });
    await rm(path);
    execFileSync('mkfifo', [path]);
    await expect(store.openRead(sha256)).rejects.toMatchObject({ code: 'blob_changed' });
  });

  it('a store in a folder that cannot be one is io_failed', async () => {
    await writeFile(join(folder, 'file'), '');
    await chmod(join(folder, 'file'), 0o600);
    await expect(open({ folder: join(folder, 'file', 'store') })).rejects.toMatchObject({ code: 'io_failed' });
  });
});
