import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPackageSource } from '../../atmo/index.ts';
import type { Sha256 } from '../../core/index.ts';
import { applyDifference, memorySource } from '../../delta/index.ts';
import {
  membersOfTier,
  type PackageManifest,
  parseDeltaManifest,
  parseSiteInventory,
  splitCustody,
} from '../../protocol/index.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import { createPackage } from '../create/create-package.ts';
import { failureOf, lookInto, verifyFile } from '../look/look-at-package.ts';
import { makeHome, type TestFolder, testFolder } from '../mission.fixture.ts';
import { openHand, openHomeSeal } from '../sign/home-seal.ts';
import { type ExportWish, exportPackage } from './export-package.ts';
import { openFileStock, openKeptStock } from './stock.ts';

let folder: TestFolder;
let home: string;

beforeEach(() => {
  folder = testFolder();
  home = makeHome(join(folder.path, 'home'));
});
afterEach(() => folder[Symbol.dispose]());

const MISSION = `models:
  - {name: tiny, file: models/tiny-1.0.bin}
  - {name: large, file: models/large-2.0.bin, tiers: [2, 3]}
`;
const weights = (seed: string, count: number) => new SeededBytes(seed).next(count);
const FILES = {
  'line/mission.yaml': MISSION,
  'line/models/tiny-1.0.bin': weights('tiny', 100_000),
  'line/models/large-2.0.bin': weights('large', 3_000_000),
  'line/agents/vision-1.0.yaml': 'id: vision\n',
  'line/knowledge/faq.jsonl': '{"id":1,"text":"a"}\n{"id":2,"text":"b"}\n',
};

async function made(version = '1.0'): Promise<string> {
  const { packages } = await createPackage({
    ...{ mission: 'line', version, tiers: [], output: 'made', cwd: folder.path, home },
    resolveModels: async () => [],
    seal: openHomeSeal({ home, nowMs: Date.now() }),
  });
  return packages[0]?.path ?? '';
}

async function exported(path: string, wish: Partial<ExportWish> = {}) {
  await using stock = await openFileStock(path);
  return await exportPackage({
    ...{ stock, format: 'archive', output: join(folder.path, 'stick'), hand: openHand(home), nowMs: Date.now() },
    findBlobs: async () => new Map(),
    ...wish,
  });
}

const stick = () => (existsSync(join(folder.path, 'stick')) ? readdirSync(join(folder.path, 'stick')).toSorted() : []);
const coded = (code: string) => expect.objectContaining({ code });

async function expectGood(path: string): Promise<void> {
  const { report } = await verifyFile(path, { home, nowMs: Date.now(), quick: false });
  expect(report.problems).toEqual([]);
}

describe('exportPackage()', () => {
  test('writes what was signed, with one more line of custody', async () => {
    folder.write(FILES);
    const path = await made();
    const { path: out, tiers } = await exported(path, { to: 'plant 7' });
    expect([basename(out), tiers]).toEqual(['line-v1.0.atmo', ['tier_1', 'tier_2', 'tier_3']]);
    await expectGood(out);
    await using stock = await openFileStock(out);
    const lines = splitCustody(stock.custody).map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { action: 'created', by: { name: 'workshop' } },
      { action: 'exported', to: 'plant 7' },
    ]);
    await using before = await openFileStock(path);
    expect(stock.manifest).toEqual(before.manifest);
  });

  test('of one tier has its members alone, under its name', async () => {
    folder.write(FILES);
    const { path, members } = await exported(await made(), { tier: 'tier_1' });
    expect([basename(path), members]).toEqual(['line-v1.0-tier1.atmo', 4]);
    await expectGood(path);
    const again = await exported(path, { output: join(folder.path, 'next') });
    expect([basename(again.path), again.tiers]).toEqual(['line-v1.0-tier1.atmo', ['tier_1']]);
    await expect(exported(path, { tier: 'tier_3' })).rejects.toThrow(
      expect.objectContaining({ code: 'incomplete_package', message: expect.stringContaining('large-2.0.bin') }),
    );
  });

  test('as a folder, and from one', async () => {
    folder.write(FILES);
    const { path } = await exported(await made(), { format: 'dir' });
    expect(basename(path)).toBe('line-v1.0');
    execFileSync('sha256sum', ['-c', '--quiet', 'checksums.sha256'], { cwd: path });
    const { path: archive } = await exported(path);
    await expectGood(archive);
  });

  test('in parts that cat joins to the archive', async () => {
    folder.write(FILES);
    const { files, path } = await exported(await made(), { partBytes: 2 ** 20 });
    expect(files.map(({ path: file }) => basename(file))).toEqual([
      ...['line-v1.0.atmo.001', 'line-v1.0.atmo.002', 'line-v1.0.atmo.003', 'line-v1.0.atmo.parts.json'],
    ]);
    await expectGood(join(folder.path, 'stick', 'line-v1.0.atmo.002'));
    execFileSync('sh', ['-c', `cat ${path}.0* > ${path}`]);
    expect(execFileSync('unzip', ['-t', path], { encoding: 'utf8' })).toContain('No errors detected');
    await expect(exported(await made('1.0'), { partBytes: 2 ** 20 })).rejects.toThrow(coded('already_there'));
  });

  test('in parts of which some were copied badly, is told part by part, also where the archive cannot be opened any more', async () => {
    folder.write(FILES);
    const { path } = await exported(await made(), { partBytes: 2 ** 20 });
    const alter = (name: string, at: number) => {
      const bytes = readFileSync(name);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      writeFileSync(name, bytes);
    };
    alter(`${path}.002`, 500_000);
    const look = (quick: boolean) => verifyFile(`${path}.001`, { home, nowMs: Date.now(), quick });
    const { report } = await look(false);
    expect(report.problems.map(({ code, path: at }) => [code, at])).toEqual([
      ['part_altered', 'line-v1.0.atmo.002'],
      ['digest_mismatch', expect.stringMatching(/^models/)],
    ]);
    expect(failureOf(report)).toMatchObject({
      message: expect.stringContaining('line-v1.0.atmo.002 has other bytes than its index says: copy it again'),
      data: { try: 'atmosphere package verify FILE  # after line-v1.0.atmo.002 was copied again' },
    });
    expect((await look(true)).report.isGood).toBe(true);
    alter(`${path}.003`, readFileSync(`${path}.003`).length - 22);
    await expect(look(false)).rejects.toMatchObject({ code: 'part_altered', data: { parts: [{}, {}] } });
    await expect(look(true)).rejects.not.toMatchObject({ code: 'part_altered' });
  });

  test('of a package that a node keeps reads the files that it names', async () => {
    folder.write(FILES);
    const { path } = await exported(await made(), { format: 'dir' });
    await using source = await openPackageSource(path);
    const members = source.entries.map((entry) => ({
      path: entry.path,
      file: join(path, entry.path),
      size_bytes: entry.sizeBytes,
    }));
    await using stock = await openKeptStock({ id: 'line', version: '1.0', members });
    const { path: out } = await exported(path, { stock, output: join(folder.path, 'next') });
    await expectGood(out);
    await expect(openKeptStock({ id: 'line', version: '1.0', members: [] })).rejects.toThrow(
      coded('incomplete_package'),
    );
  });

  test('bytes that are not what was signed do not travel on', async () => {
    folder.write(FILES);
    const { path } = await exported(await made(), { format: 'dir' });
    writeFileSync(join(path, 'agents/vision-1.0.yaml'), 'id: VISION\n');
    await expect(exported(path)).rejects.toThrow(coded('digest_mismatch'));
    expect(stick()).toEqual(['line-v1.0']);
  });

  test('writes over nothing', async () => {
    folder.write(FILES);
    const path = await made();
    await exported(path);
    await expect(exported(path)).rejects.toThrow(coded('already_there'));
  });

  test('tiers that the package does not have are refused', async () => {
    folder.write({
      ...FILES,
      'line/mission.yaml':
        'config: [{path: agents/vision-1.0.yaml, tiers: [2]}]\nmodels: []\nagents: []\nknowledge: []\n',
    });
    await expect(exported(await made(), { tier: 'tier_3' })).rejects.toThrow(coded('unknown_tier'));
  });
});

/** Both versions; what changed is an eighth of the large model, a chunk, and the agent. */
async function twoVersions() {
  folder.write(FILES);
  const before = await made('1.0');
  const larger = weights('large', 3_000_000);
  weights('change', 300_000).copy(larger, 1_000_000);
  folder.write({
    'line/mission.yaml': MISSION.replace('large-2.0', 'large-2.1'),
    'line/models/large-2.1.bin': larger,
    'line/agents/vision-1.0.yaml': 'id: vision\nnew: true\n',
    'line/knowledge/faq.jsonl': '{"id":2,"text":"B"}\n{"id":3,"text":"c"}\n',
  });
  return { before, after: await made('1.1') };
}

async function inventoryOf(path: string, withPackage = true) {
  const { manifest } = await manifestAt(path);
  const models = (manifest.contents.models ?? []).map(({ id, version, hash, size_bytes, path: file }) => ({
    ...{ model_id: id, version, sha256: hash, files: [{ path: basename(file), sha256: hash, size_bytes }] },
  }));
  const contents = {
    id: 'line',
    version: '1.0',
    tier: 'tier_3',
    manifest_sha256: 'ab'.repeat(32),
    contents: manifest.contents,
  };
  const { node_id, mesh_id } = identity();
  return parseSiteInventory(
    JSON.stringify({
      ...{ type: 'site_inventory', node_id, node_name: 'plant', mesh_id, created: '2026-03-01T00:00:00Z', models },
      packages: withPackage ? [contents] : [],
    }),
  );
}

async function manifestAt(path: string): Promise<{ manifest: PackageManifest }> {
  const { inspection } = await lookInto(path, { home, nowMs: Date.now() });
  return { manifest: inspection.manifest };
}

function identity() {
  const { certificate } = JSON.parse(readFileSync(join(home, 'mesh.json'), 'utf8'));
  return certificate.payload as { node_id: string; mesh_id: string };
}

/** The members of a package as files, by digest. */
async function blobsOf(path: string): Promise<Map<Sha256, string>> {
  const { manifest } = await manifestAt(path);
  await using source = await openPackageSource(path);
  const where = join(folder.path, 'blobs');
  mkdirSync(where, { recursive: true });
  const blobs = new Map<Sha256, string>();
  for (const { path: member, sha256, sizeBytes } of membersOfTier(manifest, 'tier_3')) {
    const bytes = Buffer.alloc(sizeBytes);
    await source.read(member, bytes, 0);
    writeFileSync(join(where, sha256), bytes);
    blobs.set(sha256, join(where, sha256));
  }
  return blobs;
}

describe('exportPackage() for what a site has', () => {
  test('holds back what is there, and brings the rest as differences where those are smaller', async () => {
    const { before, after } = await twoVersions();
    const blobs = await blobsOf(before);
    const findBlobs: ExportWish['findBlobs'] = async (wanted) =>
      new Map(wanted.flatMap((one) => (blobs.has(one) ? [[one, blobs.get(one) ?? '']] : [])));
    const { path, savings, sizeBytes } = await exported(after, { since: await inventoryOf(before), findBlobs });
    expect(basename(path)).toBe('line-v1.1-from-1.0.atmo');
    expect(savings).toMatchObject({ site: 'plant', baseVersion: '1.0', heldMembers: 1, basesNotHere: [] });
    expect(savings?.differences).toMatchObject([{ path: 'models/large-2.1.bin', fullBytes: 3_000_000 }]);
    expect(sizeBytes).toBeLessThan(400_000);
    expect(stick()).toEqual(['line-v1.1-from-1.0.atmo']);
    await expectGood(path);
    const delta = parseDeltaManifest(execFileSync('unzip', ['-p', path, 'delta.yaml']));
    expect(delta.delta.changes).toMatchObject({
      models: {
        updated: [{ id: 'large', from_version: '2.0', to_version: '2.1', delta_path: 'models/large-2.1.bin.delta' }],
      },
      agents: { updated: [{ id: 'vision' }] },
      knowledge: { chunks_added: 1, chunks_removed: 1, chunks_updated: 1 },
    });
    expect(await applied(path, delta, blobs)).toBe(true);
  });

  test('without the old bytes here brings files whole, and says which', async () => {
    const { before, after } = await twoVersions();
    const { savings, path } = await exported(after, { since: await inventoryOf(before) });
    expect(savings).toMatchObject({ differences: [], heldMembers: 1, fullMembers: 4 });
    expect(savings?.basesNotHere).toEqual(expect.arrayContaining(['models/large-2.1.bin']));
    await expectGood(path);
  });

  test('for a site that never had the package', async () => {
    const { before, after } = await twoVersions();
    const { path, savings } = await exported(after, { since: await inventoryOf(before, false) });
    expect([basename(path), savings?.baseVersion]).toEqual(['line-v1.1-from-site.atmo', undefined]);
    await expectGood(path);
  });

  test('goes on to the next stick as it is', async () => {
    const { before, after } = await twoVersions();
    const { path } = await exported(after, { since: await inventoryOf(before) });
    const again = await exported(path, { output: join(folder.path, 'next'), partBytes: 2 ** 20 });
    await expectGood(again.files[0]?.path ?? '');
    await expect(exported(path, { tier: 'tier_1' })).rejects.toThrow(coded('incomplete_package'));
  });

  test('leaves nothing when it is stopped', async () => {
    const { before, after } = await twoVersions();
    const blobs = await blobsOf(before);
    const stop = new AbortController();
    const findBlobs: ExportWish['findBlobs'] = async () => {
      stop.abort();
      return blobs;
    };
    const started = exported(after, { since: await inventoryOf(before), findBlobs, signal: stop.signal });
    await expect(started).rejects.toThrow();
    expect(stick()).toEqual([]);
  });
});

/** Is the difference’s result what the manifest names? */
async function applied(path: string, delta: ReturnType<typeof parseDeltaManifest>, blobs: ReadonlyMap<Sha256, string>) {
  const [step] = delta.members.flatMap(({ differences }) => differences ?? []);
  const bytes = execFileSync('unzip', ['-p', path, step?.delta_path ?? ''], { maxBuffer: 2 ** 24 });
  const base = readFileSync(blobs.get(step?.base_hash.slice(7) as Sha256) ?? '');
  const made: Buffer[] = [];
  await applyDifference({
    base: memorySource(base),
    difference: memorySource(bytes),
    sink: { write: async (chunk) => void made.push(Buffer.from(chunk)) },
  });
  const digest = createHash('sha256').update(Buffer.concat(made)).digest('hex');
  return `sha256:${digest}` === step?.target_hash;
}
