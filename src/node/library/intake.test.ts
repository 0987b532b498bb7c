import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../core/index.ts';
import { FolderScanner, Inventory } from '../../inventory/index.ts';
import { parseModelId } from '../../protocol/index.ts';
import { LibraryBench } from './found.fixture.ts';
import { Intake } from './intake.ts';

let bench: LibraryBench;
let stack: AsyncDisposableStack;
let root: string;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  bench = stack.use(await LibraryBench.open());
  root = join(bench.home, 'root');
});
afterEach(() => stack.disposeAsync());

/** A smallest safetensors file with these bytes as its only tensor. */
function writeModel(path: string, tensor: string): string {
  const header = JSON.stringify({ w: { dtype: 'U8', shape: [tensor.length], data_offsets: [0, tensor.length] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const absolute = join(bench.home, path);
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, Buffer.concat([length, Buffer.from(header), Buffer.from(tensor)]));
  return absolute;
}

/** As a process that starts now: nothing is watched, files count as complete at once. */
async function start(...folders: string[]): Promise<{ inventory: Inventory; intake: Intake }> {
  const { registry, library } = bench;
  const scanners = folders.map((folder) => new FolderScanner(join(bench.home, folder)));
  const inventory = new Inventory({ scanners, hashCache: registry.hashCache, isWatching: false, settleMs: 0 });
  stack.defer(() => inventory.stop());
  const intake = stack.use(new Intake({ inventory, library, settings: registry.settings, logger: silentLogger }));
  await intake.start();
  await inventory.whenScanned();
  await inventory.rescan({ trustRecent: true });
  for (const { key } of inventory.models()) await inventory.verifyNow(key);
  await intake.settled();
  return { inventory, intake };
}

async function hashAll({ inventory, intake }: { inventory: Inventory; intake: Intake }): Promise<void> {
  for (const { key } of inventory.models()) await inventory.verifyNow(key);
  await intake.settled();
}

test('what a scan finds is in the library, and gone with its file', async () => {
  const path = writeModel('root/tiny.safetensors', 'abc');
  const { inventory, intake } = await start('root');
  expect(bench.states()).toEqual(['tiny ready']);
  rmSync(path);
  await inventory.rescan();
  await intake.settled();
  expect(bench.states()).toEqual([]);
});

test('a model that lies in two places stays when one of them goes', async () => {
  writeModel('one/tiny.safetensors', 'abc');
  const second = writeModel('two/tiny.safetensors', 'abc');
  const { inventory, intake } = await start('one', 'two');
  expect(bench.states()).toEqual(['tiny ready']);
  rmSync(second);
  await inventory.rescan();
  await intake.settled();
  expect(bench.states()).toEqual(['tiny ready']);
});

test('import() takes a file under the owner’s name, and again after a restart', async () => {
  const path = writeModel('elsewhere/file.safetensors', 'abc');
  const first = await start();
  await first.intake.import({ path, modelId: parseModelId('acme/tiny'), version: '2.0' });
  await hashAll(first);
  expect(bench.library.entries()).toEqual([expect.objectContaining({ model_id: 'acme/tiny', version: '2.0' })]);
  await first.intake[Symbol.asyncDispose]();
  await first.inventory.stop();
  const second = await start();
  await hashAll(second);
  expect(bench.states()).toEqual(['acme/tiny ready']);
});

test('import() of nothing says so and remembers nothing', async () => {
  const { intake } = await start();
  mkdirSync(root, { recursive: true });
  await expect(intake.import({ path: root })).rejects.toMatchObject({ code: 'nothing_to_import', kind: 'not_found' });
  const absent = intake.import({ path: join(root, 'absent') });
  await expect(absent).rejects.toMatchObject({ code: 'nothing_to_import', message: /no such file or folder$/ });
  symlinkSync('loop', join(root, 'loop'));
  const locked = intake.import({ path: join(root, 'loop') });
  await expect(locked).rejects.toMatchObject({ code: 'nothing_to_import', message: /may not read it \(ELOOP\)$/ });
  expect(bench.registry.settings.get('imports') ?? []).toEqual([]);
});

test('import() of several models under one name says so', async () => {
  writeModel('root/one.safetensors', 'abc');
  writeModel('root/two/two.safetensors', 'def');
  const { intake } = await start();
  const request = { path: root, modelId: parseModelId('acme/all') };
  await expect(intake.import(request)).rejects.toMatchObject({ code: 'import_needs_one', kind: 'usage' });
  expect(bench.registry.settings.get('imports') ?? []).toEqual([]);
});

test('remove() keeps a model from being listed again by itself, and rescan() lists it again', async () => {
  writeModel('root/tiny.safetensors', 'abc');
  const { inventory, intake } = await start('root');
  const [model] = bench.library.list();
  if (model === undefined) throw new Error('nothing was found');
  await intake.remove(model);
  await bench.library.remove(model);
  await inventory.rescan();
  await intake.settled();
  expect(bench.states()).toEqual([]);
  await intake.rescan();
  expect(bench.states()).toEqual(['tiny ready']);
});
