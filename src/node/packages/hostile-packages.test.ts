/** Every package of the vectors that is wrong, given to a node that has the version before: it is refused, and the node is as it was. */
import { readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPackageSource } from '../../atmo/index.ts';
import { MiB } from '../../core/index.ts';
import { badArchives } from '../../testkit/bad-archives.ts';
import { badPackages, VECTOR_NOW_MS, vectorArchive } from '../../testkit/bad-packages.ts';
import { vectorPackage } from '../../testkit/vector-package.ts';
import { PackageBench, type PackageProcess, tree } from './install.fixture.ts';

const good = vectorPackage();
const small = [...good].map(([path, content]) => ({ path, content })).filter(({ content }) => content.length < MiB);
/** The first depends on certificates, which this bench has none of; the others take YAML’s reader a second each, and the vectors have them. */
const LEFT_OUT = ['revoked-key', 'many-members', 'yaml-depth'];
const cases = [...badPackages(good), ...badArchives(small)].filter(({ name }) => !LEFT_OUT.includes(name));

let bench: PackageBench;
let node: PackageProcess;
let before: object;

beforeAll(async () => {
  bench = new PackageBench({ meshName: 'vectors/packages' });
  bench.clock.jumpTo(VECTOR_NOW_MS);
  node = await bench.start();
  await take(vectorArchive(vectorPackage({ version: '1.2' })));
  before = seen();
});
afterAll(async () => {
  await node.end();
  await bench[Symbol.asyncDispose]();
});

async function take(bytes: Buffer): Promise<void> {
  const path = join(bench.folder, 'package.atmo');
  writeFileSync(path, bytes);
  await using source = await openPackageSource(path);
  await node.import(source, { tier: 'tier_3' });
}

/** All that anybody sees of packages, and what lies beside the home. */
function seen() {
  const { packages } = node.registry;
  return {
    rows: packages.list(),
    models: node.library.list().map(({ modelId, version, state }) => `${modelId}@${version} ${state}`),
    folders: readdirSync(join(bench.home, 'packages'), { recursive: true }).sort(),
    config: tree(join(bench.home, 'config')),
    outside: readdirSync(bench.folder),
    above: readdirSync(tmpdir()).filter((name) => /outside|agent\.yaml|passwd/.test(name)),
  };
}

describe('a node that is given a package that is wrong', () => {
  test.each(cases.map((bad) => [bad.name, bad] as const))('%s: refuses it, and is as before', async (_name, bad) => {
    // What an install finds while it stores a file is told as the file's.
    const code = bad.code === 'digest_mismatch' ? 'bad_member' : bad.code;
    await expect(take(bad.build())).rejects.toMatchObject({ code });
    expect(seen()).toEqual(before);
    expect(node.registry.packages.journal.list().filter(({ step }) => step !== 'stopped')).toEqual([]);
  });

  test('takes the good one after all of them', async () => {
    await take(vectorArchive(good));
    expect(node.registry.packages.list()).toMatchObject([
      { current: { version: '1.3' }, previous: { version: '1.2' } },
    ]);
  });
});
