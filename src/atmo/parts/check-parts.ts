/** Which parts of a package are there, and whether they are the ones that the index names: one by one. Spec: docs/spec/21-packages.md §3. */
import { lstat } from 'node:fs/promises';
import { systemCodeOf } from '../../core/index.ts';
import { Copier } from '../copy/copier.ts';
import { AtmoError, toReadError } from '../errors.ts';
import { FileBytes } from '../source/byte-source.ts';
import type { PartFile } from './parts-index.ts';

/** Where a part should lie. */
export interface PartPlace {
  readonly part: PartFile;
  readonly path: string;
}

export type PartState = 'here' | 'missing' | 'short' | 'long' | 'altered' | 'no_file';

export interface PartReport {
  readonly name: string;
  readonly state: PartState;
  readonly wantedBytes: number;
  /** What lies there. */
  readonly sizeBytes: number;
}

/** By size alone. Throws AtmoError `unreadable`. */
export async function lookForPart({ part, path }: PartPlace): Promise<PartReport> {
  const report = (state: PartState, sizeBytes: number) => ({
    name: part.name,
    state,
    wantedBytes: part.sizeBytes,
    sizeBytes,
  });
  try {
    const stats = await lstat(path);
    if (!stats.isFile()) return report('no_file', 0);
    const state = stats.size < part.sizeBytes ? 'short' : stats.size > part.sizeBytes ? 'long' : 'here';
    return report(state, stats.size);
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return report('missing', 0);
    throw toReadError(thrown, `Looking for ${path}`);
  }
}

/** Throws AtmoError `parts_missing` that names each one. */
export async function assertPartsThere(packageName: string, places: readonly PartPlace[]): Promise<void> {
  const reports: PartReport[] = [];
  for (const place of places) reports.push(await lookForPart(place));
  const wrong = reports.filter(({ state }) => state !== 'here');
  if (wrong.length === 0) return;
  throw new AtmoError('parts_missing', `Opening ${packageName}: ${wrong.map(wordsOf).join('; ')}`, {
    data: { parts: wrong },
  });
}

export interface CheckOptions {
  /** Bytes read since the last call. */
  readonly onBytes?: (byteCount: number) => void;
  readonly signal?: AbortSignal;
}

/** Reads every part. What is wrong is told, not thrown. Throws AtmoError `unreadable`, `cancelled`. */
export async function checkParts(places: readonly PartPlace[], options: CheckOptions = {}): Promise<PartReport[]> {
  const copier = new Copier();
  try {
    const reports: PartReport[] = [];
    for (const place of places) {
      const report = await lookForPart(place);
      const isAltered = report.state === 'here' && (await digestOf(place, copier, options)) !== place.part.sha256;
      reports.push(isAltered ? { ...report, state: 'altered' } : report);
    }
    return reports;
  } finally {
    await copier.close();
  }
}

async function digestOf({ part, path }: PartPlace, copier: Copier, options: CheckOptions): Promise<string> {
  await using from = await FileBytes.open(path);
  const order = { doing: `Checking ${part.name}`, sizeBytes: part.sizeBytes, from, ...options };
  return (await copier.copy(order)).sha256;
}

export function wordsOf({ name, state, wantedBytes, sizeBytes }: PartReport): string {
  switch (state) {
    case 'short':
    case 'long':
      return `${name} has ${sizeBytes} of ${wantedBytes} bytes`;
    case 'altered':
      return `${name} has other bytes than its index says`;
    case 'no_file':
      return `${name} is a link or no file`;
    default:
      return `${name} is ${state}`;
  }
}
