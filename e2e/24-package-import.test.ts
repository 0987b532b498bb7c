/** Journey 24: a package is imported while the daemon is killed; the next version comes in parts, and goes again. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstalledPackageRow, ModelRow, PackageEvent } from '../src/api/index.ts';
import { openPackageSource } from '../src/atmo/index.ts';
import { encodePartsIndex, indexName, partName } from '../src/atmo/parts/parts-index.ts';
import { MB, MiB, type Sha256 } from '../src/core/index.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';

const MODEL_BYTES = 160 * MB;
const MODELS = ['a', 'b'];
const PART_BYTES = 64 * MiB;
let network: DevNetwork;
let site: DevNode;
let packed: string;

beforeAll(async () => {
  network = await DevNetwork.open();
  site = network.node('site');
  await site.up();
  packed = await pack('1.0', MODELS);
});
afterAll(() => network?.close());

/** A package of models that no library has. */
async function pack(version: string, models: readonly string[]): Promise<string> {
  const mission = join(network.folder, `mission-${version}`);
  for (const folder of ['models', 'config']) await mkdir(join(mission, folder), { recursive: true });
  for (const seed of models)
    await writeGgufFile(join(mission, 'models', `${seed}.gguf`), { sizeBytes: MODEL_BYTES, seed: `${seed}${version}` });
  await writeFile(join(mission, 'config', 'line.yaml'), `version: "${version}"\n`);
  const output = join(network.folder, 'packages');
  const options = ['--mission', 'line', '--from', mission, '--version', version, '--output', output];
  const { code, stderr } = await site.events('package', 'create', ...options);
  expect([code, stderr]).toEqual([0, expect.anything()]);
  return join(output, `line-v${version}.atmo`);
}

/** Kills the daemon when so many bytes of the import are stored. */
async function killAt(doneBytes: number): Promise<void> {
  const child = site.spawn('package', 'import', packed, '--json');
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as PackageEvent;
    if (event.event === 'completed') throw new Error('the import was faster than its end');
    if (event.event === 'progress' && (event.done_bytes ?? 0) >= doneBytes) break;
  }
  await site.kill();
  child.kill('SIGKILL');
  await site.up();
}

async function isAsBefore(): Promise<void> {
  const { models } = await site.json<{ models: ModelRow[] }>('model', 'list');
  const { packages } = await site.json<{ packages: InstalledPackageRow[] }>('package', 'list');
  expect(models).toEqual([]);
  expect(packages.map(({ state, path }) => [state, path])).toEqual([['stopped', null]]);
  expect(await readdir(join(site.home, 'packages')).catch(() => [])).not.toContain('line');
}

test('24.1 kill -9 in the middle leaves the node as it was, and the next import reads only what is missing', async () => {
  await killAt(30 * MB);
  await isAsBefore();
  await killAt(200 * MB);
  await isAsBefore();
  const { code, events } = await site.events<PackageEvent>('package', 'import', packed);
  const last = events.at(-1);
  expect([code, last?.event]).toEqual([0, 'completed']);
  expect(last?.read_bytes).toBeLessThan(2 * MODEL_BYTES - 190 * MB);
  const { models } = await site.json<{ models: ModelRow[] }>('model', 'list');
  expect(models.map(({ state }) => state)).toEqual(['ready', 'ready']);
});

test('24.2 what a package has is not removed under it', async () => {
  const { models } = await site.json<{ models: ModelRow[] }>('model', 'list');
  const refused = await site.run('model', 'remove', models[0]?.model_id ?? '');
  expect([refused.code, refused.stderr]).toEqual([6, expect.stringMatching(/line 1\.0[\s\S]*package remove line/)]);
});

test('24.3 the next version comes in parts, in any order, and back again', async () => {
  const next = await pack('1.1', ['a']);
  const stick = join(network.folder, 'stick');
  const parts = await split(next, stick);
  expect(parts.length).toBeGreaterThan(2);
  const day = join(network.folder, 'day');
  await mkdir(day);
  await move(stick, day, [parts[1] ?? '', ...(await readdir(stick)).filter((name) => name.endsWith('.json'))]);
  const first = await site.events<PackageEvent>('package', 'import', join(day, parts[1] ?? ''));
  expect([first.code, first.events.at(-1)]).toEqual([
    ...[0, expect.objectContaining({ event: 'waiting', missing_parts: parts.filter((name) => name !== parts[1]) })],
  ]);
  const second = await site.events<PackageEvent>('package', 'import', join(stick, parts[0] ?? ''));
  expect([second.code, second.events.at(-1)?.event]).toEqual([0, 'completed']);
  expect(second.events.at(-1)?.package).toMatchObject({ version: '1.1', previous_version: '1.0' });
  const older = await site.run('package', 'import', packed);
  expect([older.code, older.stderr]).toEqual([6, expect.stringContaining('rollback')]);
  const back = await site.events<PackageEvent>('package', 'rollback', 'line');
  expect(back.events.at(-1)?.package).toMatchObject({ version: '1.0', previous_version: '1.1' });
});

test('24.4 a package goes with its models and bytes; its configuration stays', async () => {
  const unknown = await site.run('package', 'remove', 'lime');
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining('there is line')]);
  const config = join(site.home, 'config', 'line');
  const gone = await site.json('package', 'remove', 'line');
  expect(gone).toEqual({ id: 'line', versions: ['1.0', '1.1'], parts: 0, config });
  expect(await site.json('package', 'list')).toEqual({ packages: [], waiting: [] });
  expect(await site.json('model', 'list')).toMatchObject({ models: [] });
  expect(await readFile(join(config, 'line.yaml'), 'utf8')).toContain('1.0');
});

/** As whoever exports it does: slices, and an index that names them. */
async function split(archive: string, folder: string): Promise<string[]> {
  await mkdir(folder);
  await using source = await openPackageSource(archive);
  const manifest = Buffer.alloc(source.entries[0]?.sizeBytes ?? 0);
  await source.read('manifest.yaml', manifest, 0);
  const bytes = await readFile(archive);
  const packageName = basename(archive);
  const parts = [];
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    const part = bytes.subarray(at, at + PART_BYTES);
    const name = partName(packageName, parts.length);
    await writeFile(join(folder, name), part);
    parts.push({ name, sizeBytes: part.length, sha256: digestOf(part) });
  }
  const sizes = { sizeBytes: bytes.length, partBytes: PART_BYTES };
  const index = encodePartsIndex({ packageName, ...sizes, manifestSha256: digestOf(manifest), parts });
  await writeFile(join(folder, indexName(packageName)), index);
  return parts.map(({ name }) => name);
}

function digestOf(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

async function move(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rename(join(from, name), join(to, name));
}
