/**
 * Staged rollouts over 1,000 simulated nodes, with the decisions that ship and their laws looked at after each step.
 * `npm run bench -- rollout [--nodes 1000] [--seed 1] [--record]`. README.md says what is simulated and how to read it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { planRollout } from '../../src/deploy/index.ts';
import { LAWS, verifyEnd } from '../../src/testkit/rollout-sim/laws.ts';
import { type FleetOptions, makeWorld } from '../../src/testkit/rollout-sim/make-world.ts';
import { type RolloutWorld, STEP_MS } from '../../src/testkit/rollout-sim/rollout-world.ts';

const { values: flags } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
  },
});

type Scenario = Omit<FleetOptions, 'size' | 'seed'> & { readonly about: string; readonly apart?: true };

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  quiet: { about: 'all is well' },
  churn: { about: '1 % of the nodes leave every minute, and are away for five', leave: 0.0008, comeBack: 0.016 },
  'few fail': { about: '3 % cannot run it, 1 % hang', fails: 0.03, hangs: 0.01 },
  'many fail': { about: '8 % cannot run it', fails: 0.08 },
  broken: { about: 'nobody can run it', fails: 1 },
  coordinators: {
    about: 'a coordinator lives for 50 s, ten may take over',
    deployers: 10,
    coordinatorDies: 0.1,
    comeBack: 0.02,
  },
  'all of it': {
    about: 'churn, few fail, dying coordinators',
    ...{ leave: 0.0008, comeBack: 0.016, fails: 0.02, hangs: 0.005, deployers: 10, coordinatorDies: 0.05 },
  },
  'two halves': { about: 'the mesh falls apart for 10 minutes in the second wave', deployers: 10, apart: true },
};

interface Row {
  readonly scenario: string;
  readonly phase: string;
  readonly minutes: number;
  readonly given: number;
  readonly failed: number;
  readonly takeovers: number;
  readonly records: number;
  readonly recordKiB: number;
  readonly planMs: number;
}

const rows = Object.entries(SCENARIOS).map(([name, scenario]) => measure(name, scenario));
console.log(render(rows));
if (flags.record) {
  const about = { nodes: Number(flags.nodes), seed: Number(flags.seed), node: process.version };
  await writeFile(join(import.meta.dirname, 'result.json'), `${JSON.stringify({ about, rows }, null, 2)}\n`);
}

function measure(name: string, { about, apart, ...options }: Scenario): Row {
  const world = makeWorld({ size: Number(flags.nodes), seed: Number(flags.seed), ...options });
  const start = world.nowMs;
  if (apart) fallApart(world);
  world.run(apart ? [] : LAWS);
  const minutes = (world.nowMs - start) / 60_000;
  const { state } = world.rollout;
  const planMs = timePlan(world);
  world.settle();
  verifyEnd(world);
  console.log(`${name}: ${about}; the laws held`);
  return {
    ...{ scenario: name, phase: state.phase, minutes, given: state.waves.flat().length },
    failed: state.results.join('').replaceAll(/[^-~x!]/g, '').length,
    ...{ takeovers: world.takeovers, records: world.records },
    recordKiB: Buffer.byteLength(JSON.stringify(world.rollout)) / 1024,
    planMs,
  };
}

function fallApart(world: RolloutWorld): void {
  while (world.rollout.state.waves.length < 2) world.step(LAWS);
  world.split();
  for (let step = 0; step < 600_000 / STEP_MS; step += 1) world.step();
  world.heal();
}

/** One look of a coordinator at its whole fleet, at the end of the rollout. */
function timePlan(world: RolloutWorld): number {
  const { spec, state } = world.rollout;
  const nodes = world.options.nodes.map((node) => node.asRolloutNode);
  const statuses = new Map(world.options.nodes.map((node) => [node.nodeId, node.entries]));
  const running = { ...state, phase: 'running' } as const;
  const times = Array.from({ length: 50 }, () => {
    const before = performance.now();
    planRollout(running, { spec, nodes, statuses, nowMs: world.nowMs });
    return performance.now() - before;
  });
  return times.toSorted((a, b) => a - b)[25] ?? 0;
}

function render(results: readonly Row[]): string {
  const head =
    '| scenario | end | minutes | nodes given it | failed | take-overs | records | KiB each | one plan, ms |';
  const lines = results.map((row) => {
    const numbers = [row.minutes.toFixed(1), row.given, row.failed, row.takeovers, row.records];
    return `| ${[row.scenario, row.phase, ...numbers, row.recordKiB.toFixed(0), row.planMs.toFixed(2)].join(' | ')} |`;
  });
  return [head, '|---|---|---|---|---|---|---|---|---|', ...lines].join('\n');
}
