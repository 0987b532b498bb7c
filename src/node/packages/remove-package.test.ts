import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parsePackageManifest } from '../../protocol/index.ts';
import { LINE, lineFiles, linePackage, PackageBench, type PackageProcess, tree } from './install.fixture.ts';
import { modelsOfTier } from './package-models.ts';

let bench: PackageBench;
let node: PackageProcess;

beforeEach(async () => {
  bench = new PackageBench();
  node = await bench.start();
});
afterEach(async () => {
  await node.end();
  await bench[Symbol.asyncDispose]();
});

const install = async (version: string) => node.import(await bench.pack(linePackage(version)));
const failsWith = (code: string) => expect.objectContaining({ code });
const at = (...path: string[]) => join(bench.home, ...path);
const restart = async () => {
  await node.end();
  node = await bench.start();
};

it('takes both versions, their models, agents and bytes away, keeps what the operator edited, and is audited', async () => {
  await install('1.0');
  await install('1.1');
  writeFileSync(at('config', LINE, 'mission.yaml'), 'mine\n');
  let changes = 0;
  node.shelf.changes.on(() => {
    changes += 1;
  });
  const configFolder = at('config', LINE);
  expect(await node.remove()).toEqual({ id: LINE, versions: ['1.1', '1.0'], configFolder });
  expect(changes).toBeGreaterThan(0);
  expect([node.shelf.list(), node.shelf.underWay(), node.library.list(), bench.agentsStarted]).toEqual([
    [],
    [],
    [],
    [],
  ]);
  expect([tree(at('blobs')), tree(at('packages'))]).toEqual([{}, {}]);
  expect(readFileSync(at('config', LINE, 'mission.yaml'), 'utf8')).toBe('mine\n');
  expect(bench.audited.at(-1)).toMatchObject({ event: 'remove', package: LINE, versions: ['1.1', '1.0'] });
  await install('1.1');
  expect(node.shelf.get(LINE)).toMatchObject({ current: { version: '1.1' }, previous: undefined });
});

it('leaves a model that was here before the package', async () => {
  const source = await bench.pack(linePackage('1.0'));
  const size = source.entries.find(({ path }) => path === 'manifest.yaml')?.sizeBytes ?? 0;
  const bytes = Buffer.alloc(size);
  await source.read('manifest.yaml', bytes, 0);
  const [packaged] = modelsOfTier(parsePackageManifest(bytes), 'tier_2');
  if (packaged === undefined) throw new Error('no model');
  await node.store.put(packaged.entry.sha256, Buffer.from(lineFiles('1.0')['models/defects.onnx'] ?? ''));
  await node.library.install({ ...packaged, sourceNode: undefined });
  await node.import(source);
  await node.remove();
  expect(node.library.list()).toMatchObject([{ modelId: 'acme/defects', state: 'ready' }]);
  expect(await node.store.stat(packaged.entry.sha256)).toBeDefined();
});

it('gives up what an import that was stopped stored', async () => {
  const source = await bench.pack(linePackage('1.0'));
  const stop = new AbortController();
  const read = source.read.bind(source);
  source.read = async (path, buffer, position) => {
    if (path.startsWith('models/')) stop.abort();
    return await read(path, buffer, position);
  };
  await expect(node.import(source, { signal: stop.signal })).rejects.toThrow();
  expect(node.shelf.underWay()).toMatchObject([{ step: 'stopped' }]);
  expect(await node.remove()).toMatchObject({ versions: ['1.0'], configFolder: undefined });
  expect([node.shelf.underWay(), tree(at('blobs')), tree(at('parts'))]).toEqual([[], {}, {}]);
});

it('is out of force though something cannot be deleted; removing it again, or a start, ends it', async () => {
  await install('1.0');
  bench.failing.set('folders.drop', '1.0');
  await expect(node.remove()).rejects.toThrow(failsWith('remove_unfinished'));
  expect([node.shelf.list(), node.shelf.underWay()]).toMatchObject([[], [{ step: 'remove_tidy' }]]);
  await expect(node.remove()).rejects.toThrow(failsWith('remove_unfinished'));
  bench.failing.clear();
  await restart();
  expect([node.shelf.underWay(), existsSync(at('packages', LINE))]).toEqual([[], false]);
  await expect(node.remove()).rejects.toThrow(failsWith('not_installed'));
  expect(bench.audited.at(-1)).toMatchObject({ event: 'refusal', what: 'package remove' });
});

it('does not begin while the package is being installed', async () => {
  const source = await bench.pack(linePackage('1.0'));
  const read = source.read.bind(source);
  const refused: unknown[] = [];
  source.read = async (path, buffer, position) => {
    if (path.startsWith('models/')) refused.push(await node.remove().catch((thrown: unknown) => thrown));
    return await read(path, buffer, position);
  };
  await node.import(source);
  expect(refused).toEqual([failsWith('package_busy')]);
  expect(node.shelf.get(LINE)).toBeDefined();
});
