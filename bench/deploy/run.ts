/** `npm run bench -- deploy [--quick] [--runs N] [--record]`: see README.md. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeBrokenModel, writeDetector } from '../../src/testkit/onnx-models.ts';
import { openNginx } from '../pull/contestants.ts';
import { median } from '../pull/measure.ts';
import { deployByHand } from './by-hand.ts';
import { measureLook, measurePlanner } from './decisions.ts';
import { type ModelFile, ORGANIC, PUSHED, RealFleet } from './real-fleet.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    record: { type: 'boolean', default: false },
  },
});
const runs = flags.quick ? 1 : Number(flags.runs);
const NODES = 8;

interface Row {
  readonly what: string;
  readonly unit: 's' | 'ms';
  readonly median: number;
  readonly all: readonly number[];
  readonly goal?: number;
}

const folder = await mkdtemp(join(tmpdir(), 'atmosphere-bench-deploy-'));
const loadBefore = loadavg()[0];
try {
  const rows = [...(await measureDecisions()), ...(await measureByHand()), ...(await measureFleet())];
  console.table(
    rows.map(({ all, ...row }) => ({ ...row, median: round(row.median), runs: all.map(round).join(', ') })),
  );
  if (flags.record) await record(rows);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measureDecisions(): Promise<Row[]> {
  const size = flags.quick ? 300 : 1000;
  const of = `${size} nodes × ${size} models`;
  const look = (nodes: number) => repeat(() => measureLook(join(folder, 'look'), { nodes, models: size }));
  return [
    toRow(`plan for all of ${of}`, 'ms', await repeat(() => measurePlanner(size)), 1000),
    toRow(`look of a node with ${size} models and nothing to do, in a fleet of 8`, 'ms', await look(8), 50),
    toRow(`the same in a fleet of ${size}`, 'ms', await look(size), 50),
  ];
}

/** One file after the other, and all at once: the loop that people have, and the one they would write next. */
async function measureByHand(): Promise<Row[]> {
  const { path } = await makeModel('by-hand', 1);
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  await using nginx = await openNginx(folder);
  const hosts = Array.from({ length: NODES }, (_, index) => `host-${index + 1}`);
  const errand = { folder: join(folder, 'hosts'), hosts, url: nginx.urlOf(path), sha256 };
  const inTurn = await repeat(() => deployByHand({ ...errand, atOnce: 1 }));
  const atOnce = await repeat(() => deployByHand({ ...errand, atOnce: NODES }));
  return [
    toRow(`by hand: curl, sha256sum, load, on ${NODES} in turn`, 's', inTurn),
    toRow(`by hand: the same on ${NODES} at once`, 's', atOnce),
  ];
}

async function measureFleet(): Promise<Row[]> {
  await using fleet = await RealFleet.open(join(folder, 'fleet'), NODES);
  const [joins, pushes, rollBacks]: [number[], number[], number[]] = [[], [], []];
  const organic = await makeModel('1.0.0', 100);
  await fleet.import(ORGANIC, organic);
  await fleet.settled(ORGANIC, organic.version);
  for (let run = 1; run <= runs; run += 1) joins.push(await fleet.joinSeconds(`newcomer-${run}`, organic.version));
  for (let run = 1; run <= runs; run += 1) {
    const good = await makeModel(`${run}.0.0`, run);
    await fleet.import(PUSHED, good);
    pushes.push(await fleet.pushSeconds(good.version));
    const bad = { path: join(folder, `bad-${run}.onnx`), version: `${run}.5.0` };
    await writeBrokenModel(bad.path, 'runFails');
    await fleet.import(PUSHED, bad);
    rollBacks.push(await fleet.rollBackSeconds(bad.version));
  }
  return [
    toRow('join of a new machine → its role’s model is Loaded', 's', joins),
    toRow(`model push → Loaded on ${NODES}`, 's', pushes),
    toRow(`a version that fails → the one before has answered, the slowest of ${NODES}`, 's', rollBacks, 5),
  ];
}

async function makeModel(version: string, seed: number): Promise<ModelFile> {
  const { path } = await writeDetector(join(folder, `detector-${version}.onnx`), { seed });
  return { path, version };
}

async function repeat(measure: () => number | Promise<number>): Promise<number[]> {
  const all: number[] = [];
  for (let run = 0; run < runs; run += 1) all.push(await measure());
  return all;
}

function toRow(what: string, unit: Row['unit'], all: readonly number[], goal?: number): Row {
  return { what, unit, median: median(all) ?? Number.NaN, all, ...(goal === undefined ? {} : { goal }) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

async function record(rows: readonly Row[]): Promise<void> {
  const date = new Date().toISOString().slice(0, 10);
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, loadBefore, date };
  await writeFile(join(import.meta.dirname, 'result.json'), `${JSON.stringify({ machine, runs, rows }, null, 2)}\n`);
}
