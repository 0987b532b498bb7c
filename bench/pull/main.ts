/**
 * A pull beside what people use instead, disk to disk, on one machine, in turn. `npm run bench -- pull`
 * [--sizes 1,4] [--runs 5] [--record]. README.md says what the rows mean.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, GiB } from '../../src/core/index.ts';
import { writeGgufFile } from '../../src/testkit/model-files.ts';
import { type Contestant, openNginx, openOurs, rivals } from './contestants.ts';
import { median, type Result, renderResults, run } from './measure.ts';
import { warmMemory } from './warm-memory.ts';

const { values: flags } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1,4' },
    runs: { type: 'string', default: '5' },
    record: { type: 'boolean', default: false },
  },
});
const runs = Number(flags.runs);
const folder = await mkdtemp(join(tmpdir(), 'atmosphere-bench-'));
const loadBefore = loadavg()[0];
const results: Result[] = [];
console.log(`touching ${formatBytes(warmMemory())} of free memory once, so that no contestant is the first to`);
try {
  for (const size of flags.sizes.split(',').map(Number)) results.push(...(await measureSize(size)));
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(renderResults(results));
if (flags.record) await record();

async function measureSize(sizeGiB: number): Promise<Result[]> {
  const file = join(folder, `model-${sizeGiB}.gguf`);
  console.log(`making a GGUF file of ${sizeGiB} GiB`);
  await writeGgufFile(file, { sizeBytes: sizeGiB * GiB, seed: sizeGiB });
  await using nginx = await openNginx(folder);
  await using ours = await openOurs(folder, file);
  const out = join(folder, 'out.gguf');
  const contestants: Contestant[] = [...rivals(nginx.urlOf(file), out, ours.sha256), ...ours.contestants];
  const times = new Map<string, Result[]>();
  for (let round = 0; round < runs; round += 1) {
    for (const contestant of contestants) {
      const result = await run(contestant, sizeGiB);
      times.set(contestant.name, [...(times.get(contestant.name) ?? []), result]);
      console.log(`  ${round + 1}/${runs} ${contestant.name.padEnd(32)} ${result.seconds.toFixed(2)} s`);
    }
  }
  await rm(file);
  return [...times.values()].map(toMedian);
}

function toMedian(all: readonly Result[]): Result {
  const [first] = all;
  if (first === undefined) throw new Error('no runs');
  const of = (pick: (result: Result) => number | undefined) =>
    median(all.map(pick).filter((value) => value !== undefined));
  const seeder = of((one) => one.seederPeakBytes);
  return {
    name: first.name,
    sizeGiB: first.sizeGiB,
    seconds: of((one) => one.seconds) ?? Number.NaN,
    all: all.map((one) => one.seconds),
    cpuSeconds: of((one) => one.cpuSeconds),
    seederPeakBytes: seeder,
    pullerPeakBytes: of((one) => one.pullerPeakBytes),
  };
}

async function record(): Promise<void> {
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model,
    cores: cpus().length,
    node: process.version,
    loadBefore,
    date: new Date().toISOString().slice(0, 10),
  };
  const file = join(import.meta.dirname, 'result.json');
  await writeFile(file, `${JSON.stringify({ machine, runs, results }, null, 2)}\n`);
}
