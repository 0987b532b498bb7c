/**
 * Transfers over real links, made of network namespaces. `npm run bench -- links [CASE…] [--quick] [--runs 3] [--record]`.
 * README.md says what the rows mean, and what the links are not.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LinkNetwork } from '../../src/testkit/links/link-network.ts';
import { ensureDebian } from '../../tools/setup.mjs';
import type { Bench, Case, Row } from './bench-case.ts';
import { differencePull } from './difference-pull.ts';
import { fifteen } from './fifteen.ts';
import { fourPeers } from './four-peers.ts';
import { metered } from './metered.ts';
import { onePeer } from './one-peer.ts';
import { slowSeeder } from './slow-seeder.ts';

const CASES: Readonly<Record<string, Case>> = {
  'one-peer': onePeer,
  'four-peers': fourPeers,
  fifteen,
  'slow-seeder': slowSeeder,
  metered,
  'difference-pull': differencePull,
};
const RESULT = join(import.meta.dirname, 'result.json');

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string', default: '3' },
    record: { type: 'boolean', default: false },
  },
});
// Ends by `exit`, where the links are taken down.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
process.exitCode = await main();

async function main(): Promise<number> {
  const unknown = positionals.find((name) => CASES[name] === undefined);
  if (unknown !== undefined) return refuse(`there is no case ${unknown}; there are ${Object.keys(CASES).join(', ')}`);
  ensureDebian([
    { command: 'ip', name: 'iproute2' },
    { command: 'nft', name: 'nftables' },
    { command: 'cc', name: 'gcc' },
    { command: 'nginx', name: 'nginx-light' },
    { command: 'curl', name: 'curl' },
    { command: 'aria2c', name: 'aria2' },
  ]);
  const lacking = LinkNetwork.lacks();
  if (lacking !== undefined) return refuse(`this machine cannot make links: it lacks ${lacking}`);
  const names = positionals.length > 0 ? positionals : Object.keys(CASES);
  for (const name of names) await runCase(name);
  return 0;
}

function refuse(why: string): number {
  console.error(`bench/links: ${why}`);
  return 2;
}

async function runCase(name: string): Promise<void> {
  const one = CASES[name];
  if (one === undefined) return;
  console.log(`${name}: ${one.about}`);
  const loadBefore = loadavg()[0];
  const folder = await mkdtemp(join(tmpdir(), 'atmosphere-links-'));
  const bench: Bench = { folder, isQuick: flags.quick, runs: Number(flags.runs) };
  try {
    const rows = await one.run(bench);
    console.log(render(rows));
    if (flags.record) await record(name, { ...machineNow(), load_before: loadBefore, runs: bench.runs, rows });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function render(rows: readonly Row[]): string {
  const line = ({ what, value, unit, goal, note }: Row) =>
    `| ${what} | ${value.toFixed(2)} ${unit} | ${goal ?? ''} | ${note ?? ''} |`;
  return ['', '| what | measured | goal | |', '|---|---|---|---|', ...rows.map(line), ''].join('\n');
}

function machineNow() {
  const [cpu] = cpus();
  const congestion = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();
  return {
    cpu: cpu?.model,
    cores: cpus().length,
    congestion,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** One case takes the place of its own last record and leaves the others. */
async function record(name: string, result: object): Promise<void> {
  const known = await readFile(RESULT, 'utf8').then(
    (text) => JSON.parse(text) as Record<string, object>,
    () => ({}),
  );
  await writeFile(RESULT, `${JSON.stringify({ ...known, [name]: result }, null, 2)}\n`);
}
