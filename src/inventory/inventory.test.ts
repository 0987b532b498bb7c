import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeGgufFile, writeHuggingFaceCache, writeHuggingFaceRepo } from '../testkit/model-files.ts';
import { FolderScanner } from './folder-scanner.ts';
import { HuggingFaceScanner } from './huggingface-scanner.ts';
import { Inventory, type InventoryEvent, type InventoryOptions } from './inventory.ts';
import { MemoryHashCache } from './memory-hash-cache.ts';

let root = '';
let inventory: Inventory | undefined;
let events: InventoryEvent[] = [];

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'inventory-')));
  events = [];
});
afterEach(async () => {
  await inventory?.stop();
  await rm(root, { recursive: true, force: true });
});

async function openInventory(options: Partial<InventoryOptions> = {}): Promise<Inventory> {
  const opened = new Inventory({
    scanners: [new FolderScanner(root)],
    hashCache: new MemoryHashCache(),
    settleMs: 100,
    minRescanMs: 20,
    ...options,
  });
  inventory = opened;
  opened.events.on((event) => events.push(event));
  opened.start();
  await opened.whenScanned();
  return opened;
}

/** The first event of a kind, come or to come. */
function next<Kind extends InventoryEvent['kind']>(
  kind: Kind,
  matches: (event: Extract<InventoryEvent, { kind: Kind }>) => boolean = () => true,
) {
  type Wanted = Extract<InventoryEvent, { kind: Kind }>;
  const isWanted = (event: InventoryEvent): event is Wanted => event.kind === kind && matches(event as Wanted);
  const seen = events.find(isWanted);
  if (seen !== undefined) return Promise.resolve(seen);
  const { promise, resolve } = Promise.withResolvers<Wanted>();
  inventory?.events.on((event) => isWanted(event) && resolve(event));
  return promise;
}

async function oldGguf(name: string, seed = 1): Promise<string> {
  const path = join(root, name);
  await writeGgufFile(path, { sizeBytes: 30_000, seed });
  await utimes(path, 1_700_000_000, 1_700_000_000);
  return path;
}

test('Inventory finds a model, hashes it and tells when it may be advertised', async () => {
  const path = await oldGguf('m.gguf');
  const opened = await openInventory();
  expect(opened.models().map(({ modelId }) => modelId)).toEqual(['m']);
  const { files, model } = await next('verified');
  expect(files.map(({ path: name, sha256 }) => [name, sha256.length])).toEqual([['m.gguf', 64]]);
  expect(files[0]?.absolutePath).toBe(path);
  expect(model.damaged).toBeUndefined();
  const [file] = model.files;
  expect(file && opened.hashState(file.fingerprint)).toMatchObject({ status: 'hashed', claim: 'none' });
});

test('Inventory shows a new file within seconds, and one that is still being written only when it rests', async () => {
  await openInventory();
  const path = join(root, 'new.gguf');
  await writeGgufFile(join(root, '.source'), { sizeBytes: 30_000 });
  const bytes = await readFile(join(root, '.source'));
  await writeFile(path, bytes.subarray(0, 20_000));
  expect(inventory?.models()).toEqual([]);
  await appendFile(path, bytes.subarray(20_000));
  const { model } = await next('found');
  expect(model).toMatchObject({ modelId: 'new', sizeBytes: 30_000 });
  expect(model.damaged).toBeUndefined();
});

test('Inventory lists a file that was cut off as damaged, never verified as whole, until it is completed', async () => {
  const path = await oldGguf('m.gguf');
  const whole = await readFile(path);
  await truncate(path, 20_000);
  await utimes(path, 1_700_000_000, 1_700_000_000);
  await openInventory();
  expect((await next('found')).model.damaged).toContain('GGUF header');
  await appendFile(path, whole.subarray(20_000));
  const { model } = await next('verified', (event) => event.model.damaged === undefined);
  expect(model.sizeBytes).toBe(30_000);
});

test('Inventory finds a file that is put into a new folder', async () => {
  await openInventory();
  await mkdir(join(root, 'a/b'), { recursive: true });
  await oldGguf('a/b/m.gguf');
  expect((await next('found')).model.modelId).toBe('a/b/m');
});

test('Inventory finds a root that comes into being later', async () => {
  const late = join(root, 'later/models');
  await openInventory({ scanners: [new FolderScanner(late)] });
  await oldGguf('later/models/m.gguf');
  expect((await next('found')).model.modelId).toBe('m');
});

test('Inventory tells of files that are gone and of files that changed', async () => {
  const path = await oldGguf('m.gguf');
  await oldGguf('n.gguf');
  await openInventory();
  await writeGgufFile(join(root, '.new'), { sizeBytes: 40_000, seed: 9 });
  await utimes(join(root, '.new'), 1_700_000_001, 1_700_000_001);
  await rename(join(root, '.new'), path);
  expect((await next('changed')).model).toMatchObject({ modelId: 'm', sizeBytes: 40_000 });
  await rm(join(root, 'n.gguf'));
  expect((await next('gone')).model.modelId).toBe('n');
  expect(inventory?.models().map(({ modelId }) => modelId)).toEqual(['m']);
});

test('Inventory ignores unfinished downloads until they get their name', async () => {
  await oldGguf('m.gguf.incomplete');
  const opened = await openInventory();
  expect(opened.models()).toEqual([]);
  await rename(join(root, 'm.gguf.incomplete'), join(root, 'm.gguf'));
  expect((await next('found')).model.modelId).toBe('m');
});

test('Inventory holds back a file of the future until it has rested', async () => {
  const path = await oldGguf('m.gguf');
  await utimes(path, 4_000_000_000, 4_000_000_000);
  const opened = await openInventory();
  expect(opened.models()).toEqual([]);
  expect((await next('found')).model.modelId).toBe('m');
});

test('rescan() takes a file written just now when told to trust it', async () => {
  const opened = await openInventory({ isWatching: false, settleMs: 60_000 });
  await writeGgufFile(join(root, 'm.gguf'), { sizeBytes: 30_000 });
  await opened.rescan();
  expect(opened.models()).toEqual([]);
  await opened.rescan({ trustRecent: true });
  expect(opened.models()).toHaveLength(1);
});

test('Inventory proves the claims of a cache, and one that is wrong makes its model damaged', async () => {
  await writeHuggingFaceCache(root, { repos: 1, filesPerRepo: 3 });
  const snapshot = await writeHuggingFaceRepo(root, {
    repo: 'acme/liar',
    files: new Map([['m.gguf', await readFile(await oldGguf('x.gguf'))]]),
  });
  const blob = await realpath(join(snapshot, 'm.gguf'));
  const bytes = await readFile(blob);
  bytes[bytes.length - 1] = 255 - (bytes.at(-1) ?? 0);
  await writeFile(blob, bytes);
  const opened = await openInventory({ scanners: [new HuggingFaceScanner(root)] });
  const { model, actual, file } = await next('claim_mismatch');
  expect(model.modelId).toBe('acme/liar');
  expect(actual).not.toBe(file.claimedSha256);
  expect((await next('verified')).model.modelId).toBe('acme/model-0');
  await opened.rescan();
  const liar = opened.models().find(({ modelId }) => modelId === 'acme/liar');
  expect(liar?.damaged).toContain('another SHA-256');
  expect(liar && (await opened.verifyNow(liar.key))).toBeUndefined();
  expect(events.some((event) => event.kind === 'verified' && event.model.modelId === 'acme/liar')).toBe(false);
  expect(events.filter((event) => event.kind === 'claim_mismatch')).toHaveLength(1);
  expect(events.some((event) => event.kind === 'problem' && event.problem.code === 'claim_mismatch')).toBe(true);
});

test('Inventory keeps two files under one id as two models', async () => {
  await oldGguf('one/m.gguf', 1);
  await oldGguf('two/m.gguf', 2);
  const opened = await openInventory({
    scanners: [new FolderScanner(join(root, 'one')), new FolderScanner(join(root, 'two'))],
  });
  expect(opened.models().map(({ modelId }) => modelId)).toEqual(['m', 'm']);
  await Promise.all(opened.models().map(({ key }) => next('verified', (event) => event.model.key === key)));
  const digests = events.flatMap((event) => (event.kind === 'verified' ? event.files.map(({ sha256 }) => sha256) : []));
  expect(new Set(digests).size).toBe(2);
});

test('Inventory hashes each state once, over restarts too', async () => {
  await oldGguf('m.gguf');
  const hashCache = new MemoryHashCache();
  const first = await openInventory({ hashCache });
  await next('verified');
  await first.stop();
  events = [];
  await openInventory({ hashCache });
  await next('verified');
  expect(events.flatMap((event) => (event.kind === 'hashed' ? [event.fromCache] : []))).toEqual([true]);
});

test('Inventory reports a root that cannot be read, keeps its models, and scans the others', async () => {
  await oldGguf('good/m.gguf');
  await oldGguf('bad/n.gguf');
  const bad = new FolderScanner(join(root, 'bad'));
  let isBroken = false;
  const breaking = {
    name: bad.name,
    root: bad.root,
    scan: (context: Parameters<FolderScanner['scan']>[0]) =>
      (isBroken ? new FolderScanner(join(root, 'good/m.gguf/x')) : bad).scan(context),
  };
  const opened = await openInventory({ scanners: [breaking, new FolderScanner(join(root, 'good'))] });
  isBroken = true;
  await opened.rescan();
  expect((await next('problem')).problem.code).toBe('unreadable');
  await opened.rescan();
  expect(opened.models().map(({ modelId }) => modelId)).toEqual(['n', 'm']);
  expect(events.filter(({ kind }) => kind === 'problem')).toHaveLength(1);
});

test('verifyNow() hashes a model at once while the background is paused for others', async () => {
  await oldGguf('m.gguf');
  const opened = await openInventory({ isHashing: false });
  const [model] = opened.models();
  expect(await opened.verifyNow(model?.key ?? '')).toHaveLength(1);
});

test('remove() forgets a root and leaves its files', async () => {
  const path = await oldGguf('m.gguf');
  const scanner = new FolderScanner(root);
  const opened = await openInventory({ scanners: [] });
  await opened.add(scanner);
  expect(opened.models()).toHaveLength(1);
  await opened.remove(scanner);
  expect(opened.models()).toEqual([]);
  expect((await readFile(path)).length).toBe(30_000);
});

test('stop() ends it in the middle of scanning and hashing, and no event follows', async () => {
  for (let index = 0; index < 20; index += 1) await oldGguf(`m-${index}.gguf`, index);
  const opened = new Inventory({ scanners: [new FolderScanner(root)], hashCache: new MemoryHashCache() });
  inventory = opened;
  opened.start();
  await opened.stop();
  const after: InventoryEvent[] = [];
  opened.events.on((event) => after.push(event));
  await opened.rescan();
  expect(after).toEqual([]);
});
