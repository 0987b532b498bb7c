/** Makes model files, differences between them with everything that can, and a table. See README.md. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTESTANTS, type Contestant, isThere } from './contestants.ts';
import { CHANGES, tensorsFor, writeModel } from './made-files.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1000' },
    only: { type: 'string', default: '' },
    folder: { type: 'string', default: tmpdir() },
    record: { type: 'boolean', default: false },
  },
});

interface Row {
  readonly change: string;
  readonly contestant: string;
  readonly fileMB: number;
  readonly percent: number;
  readonly makeMBPerSecond: number;
  readonly makeMemoryMB: number;
  readonly applyMBPerSecond?: number;
  readonly applyMemoryMB?: number;
  readonly encodings?: unknown;
}

const round = (value: number, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits;

async function measure(contestant: Contestant, change: string, base: string, target: string): Promise<Row> {
  const [difference, back] = [`${target}.difference`, `${target}.back`];
  const { size } = await stat(target);
  const { sizeBytes, seconds, memoryMB, encodings } = await contestant.make(base, target, difference);
  const applied = await contestant.apply?.(base, difference, back);
  if (applied !== undefined) execFileSync('cmp', [back, target]);
  for (const file of [difference, back]) await rm(file, { force: true });
  return {
    change,
    contestant: contestant.name,
    fileMB: round(size / 1e6),
    percent: round((100 * sizeBytes) / size, 3),
    makeMBPerSecond: round(size / 1e6 / seconds),
    makeMemoryMB: memoryMB,
    ...(applied && { applyMBPerSecond: round(size / 1e6 / applied.seconds), applyMemoryMB: applied.memoryMB }),
    ...(encodings === undefined ? {} : { encodings }),
  };
}

async function* measureAll(folder: string, contestants: readonly Contestant[], sizeBytes: number): AsyncGenerator<Row> {
  const tensors = tensorsFor(sizeBytes);
  const [base, target] = [join(folder, 'base.safetensors'), join(folder, 'target.safetensors')];
  await writeModel(base, tensors);
  for (const [name, changeOf] of Object.entries(CHANGES)) {
    await writeModel(target, tensors, changeOf(tensors));
    for (const contestant of contestants) yield await measure(contestant, name, base, target);
  }
}

if (!existsSync(join(import.meta.dirname, '../../dist/delta/index.js'))) throw new Error('Build first: npm run setup');
const chosen = CONTESTANTS.filter(({ name }) => name.includes(values.only));
for (const { name } of chosen.filter((one) => !isThere(one))) console.log(`${name}: not installed, left out`);
const rows: Row[] = [];
const loadBefore = loadavg()[0];
const sizes = new Set(chosen.filter(isThere).map(({ sizeBytes }) => sizeBytes ?? Number(values.size) * 1e6));
for (const sizeBytes of sizes) {
  const folder = await mkdtemp(join(values.folder, 'bench-difference-'));
  const contestants = chosen.filter(
    (one) => isThere(one) && (one.sizeBytes ?? Number(values.size) * 1e6) === sizeBytes,
  );
  try {
    for await (const row of measureAll(folder, contestants, sizeBytes)) {
      rows.push(row);
      const { encodings: _, ...shown } = row;
      console.log(JSON.stringify(shown));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
if (values.record) {
  const machine = { node: process.version, cpu: `${cpus().length} × ${cpus()[0]?.model}`, loadBefore };
  const result = { date: new Date().toISOString().slice(0, 10), ...machine, rows };
  await writeFile(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
}
