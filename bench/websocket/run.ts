/** `npm run bench -- websocket [--size MiB] [--runs N] [--rows N] [--record]`: see README.md. */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { MiB, type PieceRoot, parseSha256 } from '../../src/core/index.ts';
import { SeededBytes } from '../../src/testkit/seeded-bytes.ts';
import { type BlobToGet, WsPieceSource, type WsPieceSourceOptions } from '../../src/transfer/index.ts';
import { identityOf } from './mesh.ts';
import type { NodePorts, NodeTask } from './node.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '256' },
    runs: { type: 'string', default: '5' },
    rows: { type: 'string', default: '7' },
    record: { type: 'boolean', default: false },
  },
});

const sizeBytes = Number(values.size) * MiB;
const folder = mkdtempSync(join(tmpdir(), 'atmosphere-bench-ws-'));
const children: ChildProcess[] = [];
try {
  await main();
} finally {
  for (const child of children) child.disconnect();
  rmSync(folder, { recursive: true });
}

interface Row {
  readonly name: string;
  readonly mbPerSecond: number;
  readonly runs: readonly number[];
  readonly ofRaw: number;
  readonly cpuSecondsOfReceiver: number;
}

async function main(): Promise<void> {
  const loadBefore = loadavg();
  const path = join(folder, 'blob');
  const file = await open(path, 'w');
  await new SeededBytes('websocket').writeTo(file, sizeBytes);
  await file.close();
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  const blob = { sha256: parseSha256(sha256), sizeBytes, pieceBytes: MiB, pieceRoot: sha256 as PieceRoot };
  const relay = await startNode({ name: 'relay', path, sha256 });
  const holder = await startNode({ name: 'holder', path, sha256, relayPort: relay.edge });
  const rows = await measureAll((await contestantsOf(holder, relay, blob)).slice(0, Number(values.rows)));
  print(rows);
  if (!values.record) return;
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, loadBefore };
  const result = { recordedAt: new Date().toISOString(), machine, sizeBytes, rows };
  writeFileSync(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
}

async function startNode(task: NodeTask): Promise<NodePorts> {
  const child = fork(join(import.meta.dirname, 'node.ts'));
  children.push(child);
  child.send(task);
  const [ports] = (await once(child, 'message')) as [NodePorts];
  return ports;
}

interface Contestant {
  readonly name: string;
  readonly get: () => Promise<void>;
}

async function contestantsOf(holder: NodePorts, relay: NodePorts, blob: BlobToGet): Promise<Contestant[]> {
  const { tls: own } = await identityOf('asker');
  const { nodeId: target } = await identityOf('holder');
  const tls = { ...own, verifyPeer: () => {} };
  const plain = `http://127.0.0.1:${holder.edge}`;
  const secure = `https://127.0.0.1:${holder.edge}`;
  const relayed = { baseUrl: `https://127.0.0.1:${relay.edge}`, tls, target };
  const by = (name: string, options: Partial<WsPieceSourceOptions>): Contestant => {
    const source = new WsPieceSource({ id: 'holder', baseUrl: plain, blob, ...options });
    return { name, get: () => readAll(source) };
  };
  await untilLinked(new WsPieceSource({ id: 'holder', blob, ...relayed }));
  return [
    { name: 'ws, raw binary stream', get: () => readRaw(holder.raw) },
    by('binary form', {}),
    by('JSON form', { form: 'json' }),
    by('binary form, TLS', { baseUrl: secure, tls }),
    by('JSON form, TLS', { baseUrl: secure, tls, form: 'json' }),
    by('binary form, TLS, through a relay', relayed),
    by('JSON form, TLS, through a relay', { ...relayed, form: 'json' }),
  ];
}

/** The holder's link is there a moment after the holder. */
async function untilLinked(source: WsPieceSource): Promise<void> {
  for (;;) {
    const lane = await source.openLane(new AbortController().signal);
    const isThere = await lane
      .read({ start: 0, end: 1 }, () => {}, new AbortController().signal)
      .then(
        () => true,
        () => false,
      );
    lane.close();
    if (isThere) return;
  }
}

async function readAll(source: WsPieceSource): Promise<void> {
  const lane = await source.openLane(new AbortController().signal);
  let received = 0;
  const count = (bytes: Buffer): void => {
    received += bytes.length;
  };
  await lane.read({ start: 0, end: sizeBytes }, count, new AbortController().signal);
  lane.close();
  if (received !== sizeBytes) throw new Error(`${received} bytes, wanted ${sizeBytes}`);
}

async function readRaw(port: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(socket, 'open');
  let received = 0;
  const done = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      received += data.length;
      if (received === sizeBytes) resolve();
    });
  });
  socket.send('go');
  await done;
  socket.terminate();
}

/** In turn, so that what else the machine does falls on all; one round before them does not count. */
async function measureAll(contestants: readonly Contestant[]): Promise<Row[]> {
  const taken = contestants.map(() => ({ rates: [] as number[], cpu: [] as number[] }));
  for (let run = -1; run < Number(values.runs); run += 1)
    for (const [index, { get }] of contestants.entries()) {
      const [cpuBefore, startMs] = [process.cpuUsage(), performance.now()];
      await get();
      const seconds = (performance.now() - startMs) / 1000;
      const { user, system } = process.cpuUsage(cpuBefore);
      if (run < 0) continue;
      taken[index]?.rates.push(sizeBytes / 1e6 / seconds);
      taken[index]?.cpu.push((user + system) / 1e6);
    }
  const raw = median(taken[0]?.rates ?? []);
  return contestants.map(({ name }, index) => {
    const { rates = [], cpu = [] } = taken[index] ?? {};
    const mbPerSecond = median(rates);
    return { name, mbPerSecond, runs: rates, ofRaw: mbPerSecond / raw, cpuSecondsOfReceiver: median(cpu) };
  });
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function print(rows: readonly Row[]): void {
  for (const { name, mbPerSecond, ofRaw, runs, cpuSecondsOfReceiver } of rows) {
    const each = runs.map((rate) => rate.toFixed(0)).join(' ');
    const columns = [
      `${mbPerSecond.toFixed(0)} MB/s`,
      `${ofRaw.toFixed(2)} × raw`,
      `${cpuSecondsOfReceiver.toFixed(2)} s CPU`,
    ];
    console.log(`${name.padEnd(36)} ${columns.join('  ')}  (${each})`);
  }
}
