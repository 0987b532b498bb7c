/**
 * What a daemon costs that offers 1,000 models to a mesh while nobody asks for them: CPU over a minute, and memory.
 * `npm run bench -- idle [--seconds 60] [--record]`. See README.md.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ModelRow } from '../../src/api/index.ts';
import { eventually } from '../../src/testkit/eventually.ts';
import { writeHuggingFaceCache } from '../../src/testkit/model-files.ts';
import { DevNetwork, type DevNode, processUsage } from '../../src/testkit/processes.ts';

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, record: { type: 'boolean', default: false } },
});
const MODELS = 1000;
const FILES_PER_MODEL = 10;
/** Two of the mesh's maintenance rounds, so that nothing of the start is measured. */
const SETTLE_MS = 20_000;

const folder = await mkdtemp(join(tmpdir(), 'atmosphere-bench-idle-'));
const loadBefore = loadavg()[0];
try {
  const rows = await measure();
  console.table(rows);
  if (flags.record) {
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, loadBefore };
    const result = { machine, models: MODELS, seconds: Number(flags.seconds), rows };
    await writeFile(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure() {
  const cache = join(folder, 'hub');
  await writeHuggingFaceCache(cache, { repos: MODELS, filesPerRepo: FILES_PER_MODEL });
  const nowhere = join(folder, 'nowhere');
  const env = { HF_HUB_CACHE: cache, HF_HOME: nowhere, OLLAMA_MODELS: nowhere, HOME: nowhere };
  await using network = await DevNetwork.open(join(folder, 'nodes'));
  const seeder = network.node('seeder', { scanDefaults: true, env });
  const member = network.node('member');
  await Promise.all([seeder.up(), member.up()]);
  await seeder.json('mesh', 'init', '--name', 'bench');
  const { code } = await seeder.json<{ code: string }>('mesh', 'invite');
  await member.json('join', code);
  await eventually(
    () => member.json<{ models: ModelRow[] }>('model', 'list', '--mesh'),
    ({ models }) => models.length >= MODELS,
    180_000,
  );
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return await Promise.all([idle('offers 1,000 models', seeder), idle('knows of them', member)]);
}

async function idle(what: string, node: DevNode) {
  const before = await processUsage(node.pid);
  await new Promise((resolve) => setTimeout(resolve, Number(flags.seconds) * 1000));
  const after = await processUsage(node.pid);
  const percent = ((after.cpuSeconds - before.cpuSeconds) / Number(flags.seconds)) * 100;
  return {
    what,
    cpuPercentOfACore: Math.round(percent * 100) / 100,
    rssMB: Math.round(after.rssBytes / 1e6),
    peakMB: Math.round(after.peakRssBytes / 1e6),
  };
}
