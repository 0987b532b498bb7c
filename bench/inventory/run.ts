/**
 * Makes a Hugging Face cache of 10,000 files, times how long the inventory takes to list it, to list it again, and to
 * hash it; then the hasher on one large file. Writes result.json. See README.md.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { GiB, MiB } from '../../src/core/index.ts';
import {
  fingerprintFile,
  HashQueue,
  HuggingFaceScanner,
  Inventory,
  MemoryHashCache,
} from '../../src/inventory/index.ts';
import { writeGgufFile, writeHuggingFaceCache } from '../../src/testkit/model-files.ts';

const REPOS = 1000;
const FILES_PER_REPO = 10;
const ROUNDS = 5;

async function timed<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly seconds: number; readonly result: Result }> {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** A new inventory each round: nothing is remembered from the round before, only the disk cache is warm. */
async function listOnce(cache: string) {
  await using inventory = new Inventory({
    scanners: [new HuggingFaceScanner(cache)],
    hashCache: new MemoryHashCache(),
    isHashing: false,
    settleMs: 0,
  });
  const first = await timed(async () => {
    inventory.start();
    await inventory.whenScanned();
  });
  const again = await timed(() => inventory.rescan());
  const models = inventory.models();
  const files = models.reduce((sum, model) => sum + model.files.length, 0);
  return { firstSeconds: first.seconds, againSeconds: again.seconds, models: models.length, files };
}

async function hashAll(cache: string): Promise<number> {
  await using inventory = new Inventory({
    scanners: [new HuggingFaceScanner(cache)],
    hashCache: new MemoryHashCache(),
    settleMs: 0,
  });
  let left = REPOS;
  const { promise, resolve } = Promise.withResolvers<void>();
  inventory.events.on((event) => {
    if (event.kind !== 'verified') return;
    left -= 1;
    if (left === 0) resolve();
  });
  const { seconds } = await timed(async () => {
    inventory.start();
    // The hash thread alone does not keep the process alive.
    const alive = setInterval(() => {}, 1000);
    await promise;
    clearInterval(alive);
  });
  return seconds;
}

async function hashLargeFile(path: string): Promise<number> {
  const file = await fingerprintFile(path);
  if (file === undefined) throw new Error(`${path} is not there`);
  await using queue = new HashQueue({ cache: new MemoryHashCache() });
  return (await timed(() => queue.hash(file))).seconds;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-inventory-'));
try {
  const cache = join(folder, 'hub');
  await writeHuggingFaceCache(cache, { repos: REPOS, filesPerRepo: FILES_PER_REPO });
  const large = join(folder, 'large.gguf');
  await writeGgufFile(large, { sizeBytes: GiB });
  const lists = [];
  const hashes = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    lists.push(await listOnce(cache));
    hashes.push(await hashLargeFile(large));
  }
  const result = {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model}`,
    memoryGiB: Math.round(totalmem() / GiB),
    models: lists[0]?.models,
    files: lists[0]?.files,
    listSeconds: median(lists.map(({ firstSeconds }) => firstSeconds)),
    listAgainSeconds: median(lists.map(({ againSeconds }) => againSeconds)),
    hashAllSmallFilesSeconds: await hashAll(cache),
    hashLargeFileMiBPerSecond: GiB / MiB / median(hashes),
    peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1000),
  };
  await writeFile(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  console.log(result);
} finally {
  await rm(folder, { recursive: true, force: true });
}
