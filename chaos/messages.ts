/** What the processes of a run tell each other: orders down by IPC, reports up as lines that are out before a kill can come. */
import { writeSync } from 'node:fs';
import type { BlobToGet } from '../src/transfer/index.ts';
import type { AttemptPlan, SourcePlan } from './scenario.ts';

export interface AttemptOrder {
  readonly folder: string;
  readonly blob: BlobToGet;
  readonly sources: readonly { readonly id: string; readonly url: string }[];
  readonly plan: AttemptPlan;
  readonly bootId: string;
  readonly randomSeed: number;
}

export type PullerReport =
  | { readonly on: 'ready' }
  /** Pieces that the store held when the part was opened. */
  | { readonly on: 'held'; readonly indexes: readonly number[] }
  | { readonly on: 'commit' | 'revoke'; readonly index: number }
  | { readonly on: 'disk_filled' }
  | { readonly on: 'killed'; readonly at: string }
  | { readonly on: 'end'; readonly code: string; readonly message: string }
  | { readonly on: 'idle' };

export interface SeederOrder {
  readonly plan: SourcePlan;
  readonly contentSeed: string;
  readonly sizeBytes: number;
  readonly port: number;
  readonly served: number;
  /** Body bytes after which it kills itself. */
  readonly dieAfterBytes: number | undefined;
}

export type SeederReport = { readonly on: 'listening'; readonly port: number } | { readonly on: 'request' };

export function report(line: PullerReport | SeederReport): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

/** kill -9, by one's own hand and exactly here. */
export function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing of this process may run on.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}
