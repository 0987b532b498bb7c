import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackageSource } from '../../atmo/index.ts';
import type { PieceRoot, Sha256 } from '../../core/index.ts';
import { parsePackageManifest } from '../../protocol/index.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { factsOfBytes } from '../../testkit/package-manifests.ts';
import { packPackage } from '../../testkit/packages.ts';
import { LINE, lineFiles, linePackage, PackageBench, type PackageProcess, tree } from './install.fixture.ts';
import { PACKAGE_LIMITS } from './limits.ts';
import { specOf } from './member-intake.ts';
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

async function install(version: string, changes = {}): Promise<void> {
  await using source = await bench.pack(linePackage(version, changes));
  await node.import(source);
}

const failsWith = (code: string) => expect.objectContaining({ code });
const at = (...path: string[]) => join(bench.home, ...path);

describe('an import', () => {
  it('places files, models, configuration and agents, and remembers through whose hands the package went', async () => {
    await using source = await bench.pack(linePackage('1.0'));
    expect(await node.import(source)).toMatchObject({
      id: LINE,
      version: '1.0',
      tier: 'tier_2',
      previousVersion: undefined,
    });
    expect(readFileSync(at('packages', LINE, 'current', 'tools', 'core.yaml'), 'utf8')).toBe('tools: []\n');
    expect(readFileSync(at('config', LINE, 'mission.yaml'), 'utf8')).toBe(lineFiles('1.0')['config/mission.yaml']);
    expect(node.library.entries().map(({ model_id, version }) => `${model_id}@${version}`)).toEqual([
      'acme/defects@1.0',
    ]);
    expect(bench.agentsStarted).toEqual(['1.0']);
    const custody = readFileSync(at('packages', LINE, '1.0', 'custody.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(custody.map((line) => JSON.parse(line).action)).toEqual(['created', 'imported']);
    expect(bench.audited).toMatchObject([{ event: 'install', package: LINE, version: '1.0', way: 'file' }]);
  });

  it('does nothing for the very same, and says so', async () => {
    await install('1.0');
    await using source = await bench.pack(linePackage('1.0'));
    expect(await node.import(source)).toMatchObject({ isUnchanged: true, readBytes: 0 });
  });

  it('keeps the version before, and deletes the bytes of the one before that', async () => {
    for (const version of ['1.0', '1.1', '1.2']) await install(version);
    expect(node.shelf.get(LINE)).toMatchObject({ current: { version: '1.2' }, previous: { version: '1.1' } });
    expect(node.library.list().map(({ version }) => version)).toEqual(['1.1', '1.2']);
    expect(existsSync(at('packages', LINE, '1.0'))).toBe(false);
    const kept = [...(node.shelf.get(LINE)?.current.members ?? []), ...(node.shelf.get(LINE)?.previous?.members ?? [])];
    const blobs = Object.keys(tree(at('blobs', 'sha256')));
    expect(blobs.length).toBe(new Set(kept.map(({ sha256 }) => sha256)).size);
  });

  it('reads nothing of what the store has', async () => {
    await install('1.0');
    await using source = await bench.pack(linePackage('1.1'));
    const read: string[] = [];
    const watched = watch(source, (path) => read.push(path));
    expect(await node.import(watched)).toMatchObject({ heldMembers: 1 });
    expect(read).not.toContain('tools/core.yaml');
    expect(read).toContain('models/defects.onnx');
  });

  it('of a tier reads its members only; for all tiers it keeps the others too', async () => {
    const large = { 'tools/large.bin': Buffer.alloc(3000, 'L') };
    const read: string[] = [];
    await using source = await bench.pack(linePackage('1.0', {}, large));
    await node.import(watch(source, (path) => read.push(path)));
    expect(read).not.toContain('tools/large.bin');
    expect(existsSync(at('packages', LINE, '1.0', 'tools', 'large.bin'))).toBe(false);
    await node.import(source, { allTiers: true });
    expect(existsSync(at('packages', LINE, '1.0', 'tools', 'large.bin'))).toBe(true);
    expect(node.shelf.get(LINE)).toMatchObject({ current: { hasAllTiers: true }, previous: undefined });
  });

  it('refuses an older version unless it is insisted, with a reason that the audit log keeps', async () => {
    await install('1.10');
    await using source = await bench.pack(linePackage('1.9'));
    await expect(node.import(source)).rejects.toThrow(failsWith('downgrade_refused'));
    await node.import(source, { downgrade: { reason: '1.10 misses cracks' } });
    expect(node.shelf.get(LINE)).toMatchObject({ current: { version: '1.9' }, previous: { version: '1.10' } });
    expect(bench.audited.map(({ event, downgrade, reason }) => [event, downgrade, reason])).toEqual([
      ['install', undefined, undefined],
      ['refusal', undefined, expect.stringContaining('newer')],
      ['install', true, '1.10 misses cracks'],
    ]);
  });

  it('refuses the same version with other content', async () => {
    await install('1.0');
    await using source = await bench.pack(linePackage('1.0', { 'tools/core.yaml': 'tools: [more]\n' }));
    await expect(node.import(source)).rejects.toThrow(failsWith('other_content'));
  });

  it('refuses a package of a mesh that is not trusted, until it is', async () => {
    const mesh = makeTestMesh('elsewhere', bench.clock.nowMs());
    await using source = await bench.pack({ ...linePackage('1.0'), mesh });
    await expect(node.import(source)).rejects.toThrow(failsWith('mesh_unknown'));
    expect(await node.registry.packages.journal.list()).toEqual([]);
    node.trust.addMesh(mesh.authority.id, 'elsewhere');
    await node.import(source);
    expect(node.shelf.get(LINE)?.current.meshId).toBe(mesh.authority.id);
  });

  it('asks for the signature of a founder once one was added', async () => {
    const founder = generateKeyPairSync('ed25519');
    const pem = founder.publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const key = node.trust.addFounder(pem, 'quality');
    const { authority } = bench.mesh;
    const signing = { signer: authority, meshId: authority.id };
    await expect(node.import(await bench.pack(linePackage('1.0')))).rejects.toThrow(failsWith('founder_missing'));
    const other = { ...signing, founder: generateKeyPairSync('ed25519').privateKey };
    const wrong = await bench.pack({ ...linePackage('1.0'), signing: other });
    await expect(node.import(wrong)).rejects.toThrow(failsWith('founder_wrong'));
    await node.import(
      await bench.pack({ ...linePackage('1.0'), signing: { ...signing, founder: founder.privateKey } }),
    );
    node.trust.remove(key);
    await install('1.1');
    expect(() => node.trust.remove(key)).toThrow(failsWith('trust_not_found'));
    expect(() => node.trust.addFounder('no key', '')).toThrow(failsWith('trust_unusable'));
    expect(() => node.trust.addMesh('mesh_x', '')).toThrow(failsWith('trust_unusable'));
  });

  it('refuses all of it for one file whose bytes are others, and leaves nothing', async () => {
    await install('1.0');
    const before = await bench.state();
    const { files } = packPackage({ mesh: bench.mesh, ...linePackage('1.1') });
    files['models/defects.onnx']?.fill('x', 5, 6);
    await using source = await bench.open(files);
    await expect(node.import(source)).rejects.toThrow(failsWith('bad_member'));
    expect(await bench.state()).toEqual(before);
    expect(Object.values(tree(at('blobs'))).join()).not.toContain('agent: vision 1.1');
  });

  it('refuses a model that runs code before anything is in force', async () => {
    bench.unsafe.add('acme/defects');
    await using source = await bench.pack(linePackage('1.0'));
    await expect(node.import(source)).rejects.toThrow(failsWith('unsafe_model'));
    expect(await bench.state()).toMatchObject({ rows: [], models: [], packages: {}, journal: [] });
  });

  it('asks for room before a byte is stored', async () => {
    bench.freeBytes = 100;
    await using source = await bench.pack(linePackage('1.0'));
    await expect(node.import(source)).rejects.toThrow(failsWith('package_no_space'));
    expect(tree(at('blobs'))).toEqual({});
  });

  it('whose bytes do not fit after all leaves nothing of them', async () => {
    await install('1.0');
    const before = await bench.state();
    const { ownedBytes } = await node.store.usage();
    await node.end();
    bench.quotaBytes = ownedBytes + 1_000_000;
    node = await bench.start();
    await using source = await bench.pack(linePackage('1.1', { 'models/defects.onnx': Buffer.alloc(3_500_000, 'w') }));
    await expect(node.import(source)).rejects.toThrow(failsWith('quota_exceeded'));
    expect(await bench.state()).toEqual(before);
    expect((await node.store.usage()).ownedBytes).toBe(ownedBytes);
  });

  it('of which something is neither there nor here names it', async () => {
    await install('1.0');
    await using source = await bench.pack(linePackage('1.1'));
    const entries = source.entries.filter(({ path }) => path !== 'agents/vision.yaml');
    const lacking: PackageSource = { ...watch(source, () => {}), entries };
    await expect(node.import(lacking)).rejects.toThrow(/agents\/vision\.yaml/);
  });

  it('of a package of which only a lower tier is whole takes that one, and says so; what was asked for is refused', async () => {
    const large = { 'tools/large.bin': Buffer.alloc(3000, 'L') };
    await using whole = await bench.pack(linePackage('1.0', {}, large));
    await using small = await bench.pack({ ...linePackage('1.0', {}, large), without: ['tools/large.bin'] });
    await node.end();
    bench.tier = 'tier_3';
    node = await bench.start();
    await expect(node.import(small, { tier: 'tier_3' })).rejects.toMatchObject({
      code: 'content_missing',
      data: { whole: 'tier_2', try: 'atmosphere package import FILE --tier tier_2' },
    });
    const notes: string[] = [];
    for await (const event of node.shelf.install(small, { from: { way: 'file', name: 'x' } }))
      if (event.on === 'note') notes.push(event.message);
    expect(notes.join()).toMatch(/tier_3 is not whole.*tools\/large\.bin.*tier_2 is the next lower one/);
    expect(node.shelf.get(LINE)?.current.tier).toBe('tier_2');
    await node.import(whole);
    expect(node.shelf.get(LINE)?.current.tier).toBe('tier_3');
    expect(await node.import(small)).toMatchObject({ isUnchanged: true, tier: 'tier_3' });
  });

  it('waits for a transfer that brings the same content, and takes what it left; for one that is stuck not for ever', async () => {
    const content = Buffer.alloc(2_500_000, 'w');
    await using source = await bench.pack(linePackage('1.0', { 'models/defects.onnx': content }));
    const facts = factsOfBytes(content);
    const spec = specOf({
      ...{ path: '', sizeBytes: content.length, sha256: facts.hash.slice('sha256:'.length) as Sha256 },
      pieceRoot: facts.piece_root as PieceRoot,
    });
    const transfer = await node.store.openWrite(spec);
    let isOver = false;
    const run = async (onWait: () => Promise<void>) => {
      isOver = false;
      try {
        for await (const event of node.shelf.install(source, { from: { way: 'file', name: 'x' } }))
          if (event.on === 'note' && event.message.includes('models/defects.onnx at the same time')) await onWait();
      } finally {
        isOver = true;
      }
    };
    const passTime = async () => {
      while (!isOver) await bench.clock.advance(PACKAGE_LIMITS.busyLookMs);
    };
    const stuck = run(async () => void passTime());
    await expect(stuck).rejects.toMatchObject({ code: 'blob_busy', message: expect.stringContaining('import again') });
    expect(await bench.state()).toMatchObject({ rows: [], journal: ['stopped'] });
    await run(async () => {
      await transfer.close();
      void passTime();
    });
    expect(node.shelf.get(LINE)?.current.version).toBe('1.0');
  });

  it('waits for one of the same package, and then does its own', async () => {
    await using first = await bench.pack(linePackage('1.0'));
    await using same = await bench.pack(linePackage('1.0'));
    await using next = await bench.pack(linePackage('1.1'));
    // Which of them stands in line first is decided by whose signature is checked first.
    const results = await Promise.all([first, same].map((source) => node.import(source)));
    expect(results.map(({ isUnchanged }) => isUnchanged).sort()).toEqual([false, true]);
    await node.import(next);
    expect(node.shelf.get(LINE)).toMatchObject({ current: { version: '1.1' }, previous: { version: '1.0' } });
  });

  it('goes on from where a medium was pulled out, and changes nothing meanwhile', async () => {
    const large = { 'models/defects.onnx': Buffer.alloc(3_500_000, 'w') };
    await using source = await bench.pack(linePackage('1.0', large));
    let left = 2_500_000;
    const pulled = watch(source, (path, count) => {
      if (path === 'models/defects.onnx') left -= count;
      if (left < 0) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    });
    await expect(node.import(pulled)).rejects.toThrow('EIO');
    expect(await bench.state()).toMatchObject({ rows: [], models: [], packages: {}, journal: ['stopped'] });
    let readBytes = 0;
    const whole = watch(source, (path, count) => {
      if (path === 'models/defects.onnx') readBytes += count;
    });
    await node.import(whole);
    expect(readBytes).toBeLessThan(2_500_000);
    expect(node.library.entries()).toHaveLength(1);
  });

  it('gives up what a stopped import stored when another version comes', async () => {
    await using source = await bench.pack(linePackage('1.0'));
    const pulled = watch(source, (path) => {
      if (path === 'tools/core.yaml') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    await expect(node.import(pulled)).rejects.toThrow('EIO');
    await install('1.1');
    expect(Object.values(tree(at('blobs'))).join()).not.toContain('weights of 1.0');
    expect(await bench.state()).toMatchObject({ journal: [], rows: [{ current: '1.1', previous: undefined }] });
  });
});

describe('configuration', () => {
  const edit = (text: string) => writeFileSync(at('config', LINE, 'mission.yaml'), text);
  const read = (name = 'mission.yaml') => readFileSync(at('config', LINE, name), 'utf8');

  it('that a package has where the operator’s text would stay is refused', async () => {
    const files = { 'config/mission.yaml': 'a: 1\n', 'config/mission.yaml.Previous': 'b: 1\n' };
    const source = await bench.pack(linePackage('1.0', files));
    await expect(node.import(source)).rejects.toMatchObject({ code: 'config_unusable' });
    expect(await bench.state()).toMatchObject({ rows: [], config: {}, journal: [] });
  });

  it('is replaced with a difference that is shown, and what the operator had stays beside it', async () => {
    await install('1.0');
    edit('mission: line\nversion: "1.0"\nrate: 9\n');
    writeFileSync(at('config', LINE, 'notes.txt'), 'mine');
    await using source = await bench.pack(linePackage('1.1'));
    const { config } = await node.import(source);
    expect(config).toMatchObject([{ path: 'mission.yaml', change: 'changed', previous: 'mission.yaml.previous' }]);
    expect(config[0]?.diff).toContain('-version: "1.0"\n-rate: 9\n+version: "1.1"\n+rate: 5\n');
    expect([read(), read('mission.yaml.previous'), read('notes.txt')]).toEqual([
      ...[lineFiles('1.1')['config/mission.yaml'], 'mission: line\nversion: "1.0"\nrate: 9\n', 'mine'],
    ]);
  });

  it('comes back as the operator had it when the package is rolled back', async () => {
    await install('1.0');
    edit('mine of 1.0\n');
    await install('1.1');
    edit('mine of 1.1\n');
    await node.rollback();
    expect([read(), read('mission.yaml.previous')]).toEqual(['mine of 1.0\n', 'mine of 1.1\n']);
    await node.rollback();
    expect(read()).toBe('mine of 1.1\n');
  });

  it('that is in no package any more is set aside', async () => {
    await install('1.0', { 'config/extra.yaml': 'a: 1\n' });
    await using source = await bench.pack(linePackage('1.1'));
    const { config } = await node.import(source);
    expect(config.map(({ path, change }) => `${path} ${change}`)).toEqual([
      'mission.yaml changed',
      'extra.yaml removed',
    ]);
    expect([existsSync(at('config', LINE, 'extra.yaml')), read('extra.yaml.previous')]).toEqual([false, 'a: 1\n']);
  });

  it('is never written through a link, nor in the place of another file of the owner', async () => {
    await install('1.0');
    mkdirSync(at('outside'));
    symlinkSync(at('outside'), at('config', LINE, 'sub'));
    const before = await bench.state();
    await using source = await bench.pack(linePackage('1.1', { 'config/sub/x.yaml': 'x: 1\n' }));
    await expect(node.import(source)).rejects.toThrow(failsWith('install_undone'));
    expect([tree(at('outside')), await bench.state()]).toEqual([{}, before]);
  });
});

describe('what the owner has in the place of a package’s configuration', () => {
  it('stays, and the package is refused before anything is in force', async () => {
    mkdirSync(at('config'));
    writeFileSync(at('config', LINE), 'mine');
    await using source = await bench.pack(linePackage('1.0'));
    await expect(node.import(source)).rejects.toThrow(failsWith('config_unusable'));
    expect([readFileSync(at('config', LINE), 'utf8'), node.shelf.list()]).toEqual(['mine', []]);
  });
});

describe('a rollback', () => {
  it('brings the version before back, and forward again, without any medium', async () => {
    await install('1.0');
    await install('1.1');
    expect(await node.rollback()).toMatchObject({ version: '1.0', previousVersion: '1.1' });
    expect(readFileSync(at('packages', LINE, 'current', 'agents', 'vision.yaml'), 'utf8')).toContain('1.0');
    expect(bench.agentsStarted).toEqual(['1.0']);
    expect(await node.rollback()).toMatchObject({ version: '1.1', previousVersion: '1.0' });
    expect(bench.audited.filter(({ event }) => event === 'rollback')).toHaveLength(2);
  });

  it('says that there is nothing to go back to', async () => {
    await expect(node.rollback()).rejects.toThrow(failsWith('not_installed'));
    await install('1.0');
    await expect(node.rollback()).rejects.toThrow(failsWith('no_previous'));
  });
});

describe('models', () => {
  const here = () => node.library.list().map(({ version }) => version);

  it('go with the last version that has them; until then the package says that it needs them', async () => {
    await install('1.0');
    const [model] = node.library.list();
    if (model === undefined) throw new Error('no model');
    expect(node.shelf.neededBy(model)).toEqual([`${LINE} 1.0`]);
    await install('1.1');
    expect([node.shelf.neededBy(model), here()]).toEqual([[], ['1.0', '1.1']]);
    await install('1.2');
    expect(here()).toEqual(['1.1', '1.2']);
  });

  it('that were here before any package stay when it goes', async () => {
    await using source = await bench.pack(linePackage('1.0'));
    const manifest = parsePackageManifest(await wholeOf(source, 'manifest.yaml'));
    const [packaged] = modelsOfTier(manifest, 'tier_2');
    if (packaged === undefined) throw new Error('no model');
    await node.store.put(packaged.entry.sha256, await wholeOf(source, 'models/defects.onnx'));
    await node.library.install({ ...packaged, sourceNode: undefined });
    await node.import(source);
    for (const version of ['1.1', '1.2']) await install(version);
    expect(here()).toEqual(['1.0', '1.1', '1.2']);
  });
});

async function wholeOf(source: PackageSource, path: string): Promise<Buffer> {
  const bytes = Buffer.alloc(source.entries.find((entry) => entry.path === path)?.sizeBytes ?? 0);
  await source.read(path, bytes, 0);
  return bytes;
}

/** Hears of each read of a member, which may throw. */
function watch(source: PackageSource, onRead: (path: string, byteCount: number) => void): PackageSource {
  return {
    ...{ name: source.name, entries: source.entries, sizeBytes: source.sizeBytes },
    checkLayout: (signal) => source.checkLayout(signal),
    async read(path, buffer, position) {
      const count = await source.read(path, buffer, position);
      onRead(path, count);
      return count;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
