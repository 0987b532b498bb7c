/**
 * How long a daemon that is started beside a Hugging Face cache of 10,000 files takes until `model list` shows all of its
 * models, and how much memory; then until all are hashed and offered. `npm run bench -- import`. See README.md.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelRow } from '../../src/api/index.ts';
import { writeHuggingFaceCache } from '../../src/testkit/model-files.ts';
import { DevNetwork, type DevNode, processUsage } from '../../src/testkit/processes.ts';

const REPOS = 1000;
const FILES_PER_REPO = 10;
const ROUNDS = 3;

const folder = await mkdtemp(join(tmpdir(), 'atmosphere-bench-import-'));
const loadBefore = loadavg()[0];
try {
  const cache = join(folder, 'hub');
  await writeHuggingFaceCache(cache, { repos: REPOS, filesPerRepo: FILES_PER_REPO });
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await startOnce(cache, join(folder, String(round))));
  console.table(rounds);
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, loadBefore };
  const result = { machine, files: REPOS * FILES_PER_REPO, rounds };
  await writeFile(join(import.meta.dirname, 'result-daemon.json'), `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function startOnce(cache: string, homes: string) {
  await using network = await DevNetwork.open(homes);
  const nowhere = join(homes, 'nowhere');
  const env = { HF_HUB_CACHE: cache, HF_HOME: nowhere, OLLAMA_MODELS: nowhere, HOME: nowhere };
  const node = network.node('importer', { scanDefaults: true, env });
  const startedMs = performance.now();
  await node.up();
  const readySeconds = secondsSince(startedMs);
  await until(node, (models) => models.length >= REPOS, 100);
  const listedSeconds = secondsSince(startedMs);
  const listedPeakMB = await peakMB(node);
  // Asked rarely from here on, so that the asking does not count.
  await until(node, (models) => models.filter(({ sha256 }) => sha256 !== null).length >= REPOS, 1000);
  const { cpuSeconds } = await processUsage(node.pid);
  return {
    readySeconds,
    listedSeconds,
    listedPeakMB,
    offeredSeconds: secondsSince(startedMs),
    offeredPeakMB: await peakMB(node),
    cpuSeconds,
  };
}

async function until(node: DevNode, isEnough: (models: readonly ModelRow[]) => boolean, pauseMs: number) {
  for (;;) {
    const { models } = await node.json<{ models: ModelRow[] }>('model', 'list');
    if (isEnough(models)) return;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function peakMB(node: DevNode): Promise<number> {
  return Math.round((await processUsage(node.pid)).peakRssBytes / 1e6);
}

function secondsSince(startedMs: number): number {
  return Math.round((performance.now() - startedMs) / 10) / 100;
}
