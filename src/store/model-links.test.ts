import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelId, Sha256 } from '../core/index.ts';
import { modelFolder, placeModel, removeHalfBuilt, removeModel } from './model-links.ts';

let home: string;
let blobPath: string;
const modelId = 'library/llama3:8b' as ModelId;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'links-'));
  blobPath = join(home, 'blob');
  await writeFile(blobPath, 'weights');
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe('placeModel()', () => {
  it('links the files to the blobs, in folders of their own, without copying', async () => {
    const files = ['config.json', 'sub/weights.gguf'].map((path) => ({ path, blobPath }));
    const folder = await placeModel({ home, modelId, version: '1.0.0' }, files);
    expect(folder).toBe(join(home, 'models', 'files', 'library--llama3+8b', '1.0.0'));
    expect((await stat(join(folder, 'sub', 'weights.gguf'))).ino).toBe((await stat(blobPath)).ino);
    expect(await readdir(join(home, 'models', 'files'))).toEqual(['library--llama3+8b']);
  });

  it('replaces what the model had there', async () => {
    const place = { home, modelId, version: '1' };
    await placeModel(place, [{ path: 'old', blobPath }]);
    const folder = await placeModel(place, [{ path: 'new', blobPath }]);
    expect(await readdir(folder)).toEqual(['new']);
  });

  it('links symbolically where a hard link cannot be', async () => {
    const folder = await placeModel({ home, modelId, version: '1' }, [{ path: 'x', blobPath: '/proc/version' }]);
    expect(await readlink(join(folder, 'x'))).toBe('/proc/version');
    expect((await readFile(join(folder, 'x'))).length).toBeGreaterThan(0);
  });

  it.each(['../x', '/etc/passwd', 'a/../../x', 'a\0b', 'nul', '', 'x'.repeat(4096), 'a//b', 'a\\b'])(
    'refuses the path %j and leaves nothing behind',
    async (path) => {
      const files = [
        { path: 'good', blobPath },
        { path, blobPath },
      ];
      await expect(placeModel({ home, modelId, version: '1' }, files)).rejects.toMatchObject({ code: 'unsafe_name' });
      expect(await readdir(home)).toEqual(['blob']);
    },
  );

  it('leaves nothing half-built when a blob is not there', async () => {
    const files = [
      { path: 'a', blobPath },
      { path: 'b', blobPath: join(home, 'none') },
    ];
    await expect(placeModel({ home, modelId, version: '1' }, files)).rejects.toMatchObject({ code: 'io_failed' });
    expect(await readdir(join(home, 'models', 'files'))).toEqual([]);
  });
});

describe('modelFolder()', () => {
  it('gives every version and variant a folder of its own, whatever its characters', () => {
    const versions = ['1', '..', '.', '1/2', '1%2F2', 'ü', '1@abc', 'Q4_K_M', '1.'];
    const folders = versions.map((version) => modelFolder({ home, modelId, version }));
    folders.push(modelFolder({ home, modelId, version: '1', variant: 'ab'.repeat(32) as Sha256 }));
    const parent = join(home, 'models', 'files', 'library--llama3+8b');
    expect(new Set(folders).size).toBe(versions.length + 1);
    for (const folder of folders) expect(join(folder, '..')).toBe(parent);
  });
});

describe('removeModel()', () => {
  it('removes the links, the empty folder, and no blob', async () => {
    const place = { home, modelId, version: '1' };
    await placeModel(place, [{ path: 'x', blobPath }]);
    expect(await removeModel(place)).toBe(true);
    expect(await removeModel(place)).toBe(false);
    expect(await readdir(join(home, 'models', 'files'))).toEqual([]);
    expect(await readFile(blobPath, 'utf8')).toBe('weights');
  });

  it('removeHalfBuilt() deletes what a crash left, and only that', async () => {
    await placeModel({ home, modelId, version: '1' }, [{ path: 'x', blobPath }]);
    await mkdir(join(home, 'models', 'files', '.building-1'));
    await removeHalfBuilt(home);
    expect(await readdir(join(home, 'models', 'files'))).toEqual(['library--llama3+8b']);
    await removeHalfBuilt(join(home, 'nowhere'));
  });
});
