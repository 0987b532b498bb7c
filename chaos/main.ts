/** `npm run chaos -- --runs N --seed S [--run K] [--from K] [--engine-only] [--keep] [--show]`. See README.md. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { eventually } from '../src/testkit/eventually.ts';
import { openHandles } from './child.ts';
import { OutcomeTable } from './outcome-table.ts';
import { Puller } from './puller.ts';
import { runDaemons } from './run-daemons.ts';
import { isAlive, type RunEnd, runEngine } from './run-engine.ts';
import { drawScenario, faultsOf, type Scenario } from './scenario.ts';

const HANDLES_MS = 10_000;
/** Long series say where they are. */
const TOLD_EVERY_RUNS = 50;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    run: { type: 'string' },
    'engine-only': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    show: { type: 'boolean', default: false },
    /** A file for the counts, as the gate reads them. */
    report: { type: 'string' },
  },
});

const seed = toWhole('seed', values.seed);
const first = toWhole('from', values.run ?? values.from);
const count = values.run === undefined ? toWhole('runs', values.runs) : 1;

function toWhole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`chaos: --${name} ${text}: wanted a whole number`);
  process.exit(2);
}

const root = await mkdtemp(join(tmpdir(), 'atmosphere-chaos-'));
const puller = new Puller(root);
const handlesAtStart = openHandles(process.pid, root).length;
const table = new OutcomeTable();
const startedMs = performance.now();
let [done, failures] = [0, 0];

// The run under way comes to its end, so that no disk stays mounted and no process is left.
let isStopped = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isStopped = true));

for (let run = first; run < first + count && !isStopped; run += 1) {
  const scenario = drawScenario(seed, run, values['engine-only'] ? 'engine' : undefined);
  if (values.show) console.log(JSON.stringify(scenario, undefined, 2));
  const folder = join(root, `run-${run}`);
  await mkdir(folder);
  const end = await runOne(scenario, folder);
  const violations = [...end.violations, ...(await leftHandles())];
  done += 1;
  table.add(faultsOf(scenario), { ...end, violations });
  if (done % TOLD_EVERY_RUNS === 0 && done < count)
    console.error(`chaos: ${done} of ${count} runs, ${failures} failed`);
  if (violations.length === 0) {
    if (!values.keep) await rm(folder, { recursive: true, force: true });
    continue;
  }
  failures += 1;
  tellOf(scenario, violations, folder);
}

const atEnd = await puller.close();
const alive = puller.pids.filter(isAlive);
if (alive.length > 0) atEnd.push(`processes ${alive.join(', ')} are left`);
for (const line of atEnd) console.error(`chaos: ${line}`);
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
for (const line of table.lines()) console.log(line);
if (isStopped) console.log(`stopped after run ${first + done - 1}`);
console.log(`${done - failures} passed, ${failures + atEnd.length} failed, in ${seconds} s (seed ${seed})`);
if (failures === 0 && !values.keep) await rm(root, { recursive: true, force: true });
if (values.report !== undefined) {
  const counts = { numPassedTests: done - failures, numFailedTests: failures + atEnd.length };
  await writeFile(values.report, JSON.stringify(counts));
}
process.exitCode = failures + atEnd.length === 0 ? 0 : 1;

/** Sockets and files of this process, which outlives all runs, beyond those to the downloading process. */
async function leftHandles(): Promise<string[]> {
  const wanted = () => handlesAtStart + puller.openPipes;
  const all = await eventually(
    async () => openHandles(process.pid, root),
    (handles) => handles.length <= wanted(),
    HANDLES_MS,
  ).catch(() => openHandles(process.pid, root));
  return all.length <= wanted()
    ? []
    : [`the runner has ${all.length} handles instead of ${wanted()}: ${all.join(', ')}`];
}

async function runOne(scenario: Scenario, folder: string): Promise<RunEnd> {
  try {
    return scenario.kind === 'engine' ? await runEngine(scenario, puller, folder) : await runDaemons(scenario, folder);
  } catch (thrown) {
    const what = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    return { end: 'fell_over', lives: 0, violations: [`the run fell over: ${what}`], leftOut: [] };
  }
}

function tellOf(scenario: Scenario, violations: readonly string[], folder: string): void {
  console.error(`\nrun ${scenario.run} of seed ${seed}:`);
  for (const violation of violations) console.error(`  ${violation}`);
  console.error(`  its files: ${folder}`);
  const kind = values['engine-only'] ? ' --engine-only' : '';
  console.error(`  again: npm run chaos -- --seed ${seed} --run ${scenario.run}${kind} --keep`);
  console.error(JSON.stringify(scenario));
}
