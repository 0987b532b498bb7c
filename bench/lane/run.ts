/** `node bench/lane/run.ts [--size MiB] [--runs N] [--out FILE]`: see README.md. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PieceHasher, pieceLayout, pieceRange, toPieceList } from '../../src/content/index.ts';
import { MiB } from '../../src/core/index.ts';
import type { WriteKind } from './file-sink.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '5' },
    out: { type: 'string' },
    only: { type: 'string', default: '' },
    prof: { type: 'boolean', default: false },
  },
});

interface Blob {
  readonly path: string;
  readonly piecesPath: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly pieceRoot: string;
}

interface Variant {
  readonly name: string;
  readonly peers: number;
  readonly lanes: number;
  readonly isTls: boolean;
  readonly writes: WriteKind;
}

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly systemSeconds: number;
  readonly peakRssBytes: number;
  readonly loopDelayP99Ms: number;
}

const VARIANTS: readonly Variant[] = [
  { name: 'http', peers: 1, lanes: 1, isTls: false, writes: 'later' },
  { name: 'http, writes block', peers: 1, lanes: 1, isTls: false, writes: 'now' },
  { name: 'http, two lanes', peers: 1, lanes: 2, isTls: false, writes: 'later' },
  { name: 'http, two peers', peers: 2, lanes: 1, isTls: false, writes: 'later' },
  { name: 'http, not written', peers: 1, lanes: 1, isTls: false, writes: 'never' },
  { name: 'tls', peers: 1, lanes: 1, isTls: true, writes: 'later' },
  { name: 'tls, two lanes', peers: 1, lanes: 2, isTls: true, writes: 'later' },
];

function makeBlob(folder: string, sizeBytes: number): Blob {
  const path = join(folder, 'blob');
  const file = openSync(path, 'w');
  const layout = pieceLayout(sizeBytes);
  const whole = createHash('sha256');
  const hashes: Buffer[] = [];
  for (let index = 0; index < layout.pieceCount; index += 1) {
    const { start, end } = pieceRange(layout, index);
    const bytes = randomBytes(end - start);
    whole.update(bytes);
    hashes.push(new PieceHasher().update(bytes).digest());
    writeSync(file, bytes);
  }
  closeSync(file);
  const list = toPieceList(sizeBytes, Buffer.concat(hashes));
  const piecesPath = join(folder, 'pieces');
  writeFileSync(piecesPath, list.hashes);
  return { path, piecesPath, sizeBytes, sha256: whole.digest('hex'), pieceRoot: list.root };
}

function makeCertificate(folder: string): { keyFile: string; certFile: string } {
  const keyFile = join(folder, 'key.pem');
  const certFile = join(folder, 'cert.pem');
  const out = ['-nodes', '-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-subj', '/CN=bench', '-days', '2', ...out], {
    stdio: 'ignore',
  });
  return { keyFile, certFile };
}

async function startServer(blob: Blob, tls: readonly string[]): Promise<{ child: ChildProcess; port: number }> {
  const args = [blob.path, blob.sha256, blob.piecesPath, ...tls];
  const child = fork(new URL('./server.ts', import.meta.url), args);
  const [message] = (await once(child, 'message')) as [{ port: number }];
  return { child, port: message.port };
}

async function cpuSecondsOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [message] = (await once(child, 'message')) as [{ cpuSeconds: number }];
  return message.cpuSeconds;
}

async function measure(folder: string, blob: Blob, variant: Variant, tls: { keyFile: string; certFile: string }) {
  const credentials = variant.isTls ? [tls.keyFile, tls.certFile] : [];
  const servers = await Promise.all(Array.from({ length: variant.peers }, () => startServer(blob, credentials)));
  const before = (await Promise.all(servers.map((server) => cpuSecondsOf(server.child)))).reduce((a, b) => a + b, 0);
  const urls = servers.map((server) => `http${variant.isTls ? 's' : ''}://127.0.0.1:${server.port}`);
  const path = join(folder, 'copy');
  const { sizeBytes, sha256, pieceRoot } = blob;
  const { lanes, writes } = variant;
  const job = { sizeBytes, sha256, pieceRoot, urls, path, lanes, writes, ...(variant.isTls ? tls : {}) };
  const prof = values.prof ? ['--cpu-prof', '--cpu-prof-dir=.cache/prof'] : [];
  const receiver = new URL('./receiver.ts', import.meta.url).pathname;
  const output = runReceiver(process.execPath, [...prof, receiver, JSON.stringify(job)]);
  const result = JSON.parse(await output) as Measured;
  const after = (await Promise.all(servers.map((server) => cpuSecondsOf(server.child)))).reduce((a, b) => a + b, 0);
  for (const { child } of servers) child.disconnect();
  await Promise.all(servers.map((server) => once(server.child, 'exit')));
  rmSync(path);
  return { ...result, serverCpuSeconds: after - before };
}

async function runReceiver(file: string, args: readonly string[]): Promise<string> {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  return (await promisify(execFile)(file, [...args])).stdout;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

const loadBefore = Number(loadavg()[0]?.toFixed(1));
const folder = mkdtempSync(join(tmpdir(), 'atmosphere-lane-'));
try {
  const sizeMiB = Number(values.size);
  const blob = makeBlob(folder, sizeMiB * MiB);
  const tls = makeCertificate(folder);
  const wanted = VARIANTS.filter((variant) => variant.name.startsWith(values.only));
  const runs = new Map(wanted.map((variant) => [variant.name, [] as Awaited<ReturnType<typeof measure>>[]]));
  // The first file written after a while costs the machine fresh memory; that is not what is measured.
  for (const variant of wanted.slice(0, 1)) await measure(folder, blob, variant, tls);
  for (let run = 0; run < Number(values.runs); run += 1) {
    for (const variant of wanted) runs.get(variant.name)?.push(await measure(folder, blob, variant, tls));
  }
  const gib = sizeMiB / 1024;
  const rows = [...runs].map(([name, all]) => ({
    name,
    secondsMedian: Number(median(all.map((each) => each.seconds)).toFixed(3)),
    secondsBest: Number(Math.min(...all.map((each) => each.seconds)).toFixed(3)),
    mibPerSecond: Math.round(sizeMiB / median(all.map((each) => each.seconds))),
    receiverCpuSecondsPerGiB: Number((median(all.map((each) => each.cpuSeconds)) / gib).toFixed(2)),
    ofItSystem: Number((median(all.map((each) => each.systemSeconds)) / gib).toFixed(2)),
    senderCpuSecondsPerGiB: Number((median(all.map((each) => each.serverCpuSeconds)) / gib).toFixed(2)),
    peakRssMiB: Math.round(Math.max(...all.map((each) => each.peakRssBytes)) / MiB),
    loopDelayP99Ms: Number(median(all.map((each) => each.loopDelayP99Ms)).toFixed(1)),
  }));
  console.table(rows);
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    node: process.version,
    platform: process.platform,
    loadBefore,
  };
  if (values.out !== undefined)
    writeFileSync(values.out, `${JSON.stringify({ machine, sizeMiB, runs: Number(values.runs), rows }, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
