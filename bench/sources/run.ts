/** `npm run bench -- sources [--size MiB] [--runs N] [--out FILE]`: see README.md. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MiB } from '../../src/core/index.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '256' },
    runs: { type: 'string', default: '5' },
    out: { type: 'string' },
  },
});
const [sizeMiB, runs] = [Number(values.size), Number(values.runs)];

interface Told {
  readonly nodeId?: string;
  readonly addresses?: readonly string[];
  readonly isDirect?: boolean;
  readonly seconds?: number;
  readonly cpuSeconds?: number;
  readonly peakRssBytes?: number;
  readonly error?: string;
}

const KINDS = ['raw', 'source', 'verified'] as const;

async function start(name: string): Promise<{ child: ChildProcess; told: Told }> {
  const child = fork(join(import.meta.dirname, 'node.ts'), [name, String(sizeMiB)]);
  const [told] = (await once(child, 'message')) as [Told];
  return { child, told };
}

async function ask(child: ChildProcess, order: object): Promise<Told> {
  const answer = once(child, 'message') as Promise<[Told]>;
  child.send(order);
  const [told] = await answer;
  if (told.error !== undefined) throw new Error(told.error);
  return told;
}

async function measure(path: string, asker: ChildProcess) {
  const all = new Map<string, Told[]>(KINDS.map((kind) => [kind, []]));
  for (let run = 0; run <= runs; run += 1)
    for (const kind of KINDS) {
      const told = await ask(asker, { what: kind });
      if (told.isDirect !== (path === 'direct')) throw new Error(`the path is not ${path}`);
      // The first of each warms up.
      if (run > 0) all.get(kind)?.push(told);
    }
  const rawRate = rateOf(all.get('raw') ?? []);
  return KINDS.map((kind) => {
    const told = all.get(kind) ?? [];
    const rate = rateOf(told);
    return {
      path,
      kind,
      mibPerSecond: Math.round(rate),
      ofRaw: Number((rate / rawRate).toFixed(2)),
      askerCpuSecondsPerGiB: Number((median(told.map((one) => one.cpuSeconds ?? 0)) * (1024 / sizeMiB)).toFixed(2)),
      askerPeakRssMiB: Math.round(Math.max(...told.map((one) => one.peakRssBytes ?? 0)) / MiB),
    };
  });
}

function rateOf(told: readonly Told[]): number {
  return sizeMiB / median(told.map(({ seconds }) => seconds ?? Number.POSITIVE_INFINITY));
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

const loadBefore = Number((loadavg()[0] ?? 0).toFixed(1));
const [holder, relay, direct, relayed] = await Promise.all(['holder', 'relay', 'direct', 'relayed'].map(start));
if (holder === undefined || relay === undefined || direct === undefined || relayed === undefined) throw new Error('');
const { nodeId, addresses } = holder.told;
await ask(direct.child, { what: 'connect', nodeId, addresses });
await ask(holder.child, { what: 'connect', ...relay.told });
const through = await ask(holder.child, { what: 'relayed' });
await ask(relayed.child, { what: 'connect', ...relay.told });
await ask(relayed.child, { what: 'connect', nodeId, addresses: through.addresses });
const rows = [...(await measure('direct', direct.child)), ...(await measure('circuit relay', relayed.child))];
for (const { child } of [holder, relay, direct, relayed]) child.disconnect();
console.table(rows);
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, loadBefore };
if (values.out !== undefined)
  writeFileSync(values.out, `${JSON.stringify({ machine, sizeMiB, runs, rows }, undefined, 2)}\n`);
