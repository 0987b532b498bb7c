/** Runs one contestant once, and prints what came of it all. */
import { spawnSync } from 'node:child_process';
import { GiB } from '../../src/core/index.ts';
import type { Contestant } from './contestants.ts';

export interface Result {
  readonly name: string;
  readonly sizeGiB: number;
  /** Wall clock of the whole command, its start included. */
  readonly seconds: number;
  readonly all?: readonly number[];
  /** Of both daemons. */
  readonly cpuSeconds: number | undefined;
  readonly seederPeakBytes: number | undefined;
  readonly pullerPeakBytes: number | undefined;
}

/** Everything on disk before the clock starts, for all alike. */
export async function run(contestant: Contestant, sizeGiB: number): Promise<Result> {
  await contestant.prepare();
  spawnSync('sync');
  const startedMs = performance.now();
  await contestant.work();
  const seconds = (performance.now() - startedMs) / 1000;
  const usage = await contestant.usage?.();
  return {
    name: contestant.name,
    sizeGiB,
    seconds,
    cpuSeconds: usage?.cpuSeconds,
    seederPeakBytes: usage?.seederPeakBytes,
    pullerPeakBytes: usage?.pullerPeakBytes,
  };
}

export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

export function renderResults(results: readonly Result[]): string {
  const lines = [
    '',
    '| GiB | contestant | s | s/GiB | × curl+sha256sum | × curl+openssl | CPU s/GiB | peak MB seeder / puller |',
    '|---|---|---|---|---|---|---|---|',
  ];
  for (const result of results) {
    const { sizeGiB, name, seconds, cpuSeconds } = result;
    const rival = (wanted: string) =>
      results.find((one) => one.sizeGiB === sizeGiB && one.name === wanted)?.seconds ?? Number.NaN;
    const cells = [
      String(sizeGiB),
      name,
      seconds.toFixed(2),
      (seconds / sizeGiB).toFixed(2),
      (seconds / rival('curl, then sha256sum')).toFixed(2),
      (seconds / rival('curl, then openssl')).toFixed(2),
      cpuSeconds === undefined ? '' : (cpuSeconds / sizeGiB).toFixed(2),
      result.seederPeakBytes === undefined
        ? ''
        : `${toMB(result.seederPeakBytes)} / ${toMB(result.pullerPeakBytes ?? 0)}`,
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

function toMB(bytes: number): string {
  return ((bytes / GiB) * 1073.741824).toFixed(0);
}
