/** One download in a process of its own, so that its memory and CPU are its own: JSON job in, JSON result out. */
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pieceLayout } from '../../src/content/index.ts';
import { parsePieceRoot, parseSha256 } from '../../src/core/index.ts';
import { download, HttpPieceSource, type TlsCredentials } from '../../src/transfer/index.ts';
import { openFileSink, type WriteKind } from './file-sink.ts';

interface Job {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly pieceRoot: string;
  readonly urls: readonly string[];
  readonly path: string;
  readonly lanes: number;
  readonly writes: WriteKind;
  readonly keyFile?: string;
  readonly certFile?: string;
}

const job = JSON.parse(process.argv[2] ?? '{}') as Job;
const blob = {
  sha256: parseSha256(job.sha256),
  sizeBytes: job.sizeBytes,
  pieceBytes: pieceLayout(job.sizeBytes).pieceBytes,
  pieceRoot: parsePieceRoot(job.pieceRoot),
};

function credentials(): { tls: TlsCredentials } | Record<string, never> {
  if (job.keyFile === undefined || job.certFile === undefined) return {};
  return { tls: { key: readFileSync(job.keyFile), cert: readFileSync(job.certFile), verifyPeer: () => {} } };
}

const sources = job.urls.map(
  (baseUrl) => new HttpPieceSource({ id: baseUrl, baseUrl, blob, lanes: job.lanes, ...credentials() }),
);
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
const started = process.cpuUsage();
const sink = await openFileSink(job.path, job.writes);
const { durationMs } = await download({ blob, sink, sources }, new AbortController().signal);
loop.disable();
const { user, system } = process.cpuUsage(started);
const result = {
  seconds: durationMs / 1000,
  cpuSeconds: (user + system) / 1e6,
  systemSeconds: system / 1e6,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  loopDelayP99Ms: loop.percentile(99) / 1e6,
};
console.log(JSON.stringify(result));
