import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelId } from '../core/index.ts';
import { currentLink, linkCurrent, readCurrent, unlinkCurrent } from './current-link.ts';
import { modelFolder, removeHalfBuilt } from './model-links.ts';

const modelId = 'acme/detector' as ModelId;
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'current-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function place(version: string) {
  const folder = modelFolder({ home, modelId, version });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'model.onnx'), version);
  return { home, modelId, version };
}

describe('linkCurrent()', () => {
  it('names one version after another, and leaves nothing else', async () => {
    for (const version of ['1.0.0', '1.10.0', '1.10.0']) {
      await linkCurrent(await place(version));
      expect(await readCurrent(home, modelId)).toBe(version);
      expect(await readFile(join(currentLink(home, modelId), 'model.onnx'), 'utf8')).toBe(version);
    }
    expect((await readdir(dirname(currentLink(home, modelId)))).sort()).toEqual(['1.0.0', '1.10.0', 'current']);
  });

  it('names a folder beside it, whatever the version is called', async () => {
    await linkCurrent(await place('../../etc'));
    expect(await readlink(currentLink(home, modelId))).not.toContain('/');
  });

  it('is not taken for a version that has its name', async () => {
    await linkCurrent(await place('current'));
    expect(await readCurrent(home, modelId)).toBe('%63urrent');
  });

  it('says what failed where the place cannot be written', async () => {
    await writeFile(join(home, 'models'), 'a file');
    await expect(linkCurrent({ home, modelId, version: '1' })).rejects.toMatchObject({ code: 'io_failed' });
  });
});

describe('a link that is changed without end', () => {
  it('names a version at every moment, and after a kill; what is left over goes at the next start', async () => {
    const versions = ['1.0.0', '2.0.0'];
    for (const version of versions) await linkCurrent(await place(version));
    const program = new URL('./testing/flip-child.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [program, home, modelId, ...versions], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const seen = new Set<string>();
    for (let look = 0; look < 2_000 || seen.size < 2; look += 1)
      seen.add(await readFile(join(currentLink(home, modelId), 'model.onnx'), 'utf8'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect([...seen].sort()).toEqual(versions);
    expect(versions).toContain(await readFile(join(currentLink(home, modelId), 'model.onnx'), 'utf8'));
    await removeHalfBuilt(home);
    expect(await readdir(join(home, 'models', 'files'))).toHaveLength(1);
    expect((await readdir(dirname(currentLink(home, modelId)))).sort()).toEqual([...versions, 'current']);
  });
});

describe('unlinkCurrent()', () => {
  it('takes the link and no file, and may be said twice', async () => {
    await linkCurrent(await place('1.0.0'));
    await unlinkCurrent(home, modelId);
    await unlinkCurrent(home, modelId);
    expect(await readCurrent(home, modelId)).toBeUndefined();
    expect(await readdir(dirname(currentLink(home, modelId)))).toEqual(['1.0.0']);
  });
});
