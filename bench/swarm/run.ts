/**
 * Simulated swarms of the shipping planner beside what no scheduler can beat. `npm run bench -- swarm [PROFILE…] [--seed 1]
 * [--record]`. README.md says what is simulated and how to read it.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Measured, measure, render } from './measure.ts';
import { completionPlot, ratioPlot } from './plots.ts';
import { PROFILES } from './profiles.ts';

const RESULT = join(import.meta.dirname, 'result.json');
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
    /** One profile in this very process, its result as JSON: so that each has its own time and memory. */
    json: { type: 'boolean', default: false },
  },
});
process.exitCode = await main();

async function main(): Promise<number> {
  const names = positionals.length > 0 ? positionals : Object.keys(PROFILES);
  const unknown = names.find((name) => PROFILES[name] === undefined);
  if (unknown !== undefined) {
    console.error(`bench/swarm: there is no profile ${unknown}; there are ${Object.keys(PROFILES).join(', ')}`);
    return 2;
  }
  if (flags.json) {
    process.stdout.write(JSON.stringify(measure(names[0] ?? '', Number(flags.seed))));
    return 0;
  }
  const results = names.map(inOwnProcess);
  console.log(render(results));
  if (flags.record) await record(results);
  return 0;
}

function inOwnProcess(name: string): Measured {
  console.log(`${name}: ${PROFILES[name]?.about}`);
  const args = ['--max-old-space-size=6144', join(import.meta.dirname, 'run.ts'), name, '--json', '--seed', flags.seed];
  const child = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  });
  if (child.status !== 0) throw new Error(`${name} ended with ${child.status ?? child.signal}`);
  const measured = JSON.parse(child.stdout) as Measured;
  console.log(
    `  last one done after ${measured.ratio.toFixed(2)} × the bound; ${measured.wallSeconds.toFixed(0)} s of ours`,
  );
  return measured;
}

/** Profiles that were not run keep their last record. */
async function record(results: readonly Measured[]): Promise<void> {
  const before = await readFile(RESULT, 'utf8').then(
    (content) => (JSON.parse(content) as { results: Measured[] }).results,
    () => [],
  );
  const merged = Object.keys(PROFILES).flatMap(
    (name) => [...results, ...before].find((one) => one.name === name) ?? [],
  );
  const [cpu] = cpus();
  const date = new Date().toISOString().slice(0, 10);
  const machine = { cpu: cpu?.model, cores: cpus().length, node: process.version, load: loadavg()[0], date };
  await writeFile(RESULT, `${JSON.stringify({ machine, seed: Number(flags.seed), results: merged }, null, 1)}\n`);
  const folder = join(import.meta.dirname, 'plots');
  await mkdir(folder, { recursive: true });
  for (const one of merged) await writeFile(join(folder, `${one.name}.svg`), completionPlot(one));
  await writeFile(join(folder, 'ratio.svg'), ratioPlot(merged.filter(({ name }) => PROFILES[name]?.isMixed)));
}
