/** What a case gets, and what it gives back for the table. */
import { join } from 'node:path';
import { type LinkedMachine, LinkNetwork, type LinkOptions } from '../../src/testkit/links/link-network.ts';
import { writeGgufFile } from '../../src/testkit/model-files.ts';

export interface Bench {
  /** Empty, on a disk; deleted afterwards. */
  readonly folder: string;
  /** A tenth of everything: to try the benchmark itself, not for the record. */
  readonly isQuick: boolean;
  readonly runs: number;
}

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What the project wants of it, where it wants something. */
  readonly goal?: string;
  /** Of every run. */
  readonly all?: readonly number[];
  readonly note?: string;
}

export interface Case {
  readonly about: string;
  run(bench: Bench): Promise<readonly Row[]>;
}

export async function makeModel(bench: Bench, sizeBytes: number): Promise<{ path: string; sizeBytes: number }> {
  const size = bench.isQuick ? Math.round(sizeBytes / 10) : sizeBytes;
  return writeGgufFile(join(bench.folder, 'model.gguf'), { sizeBytes: size, seed: size });
}

/** A network with these machines, by name. */
export async function openLinks(folder: string, links: Readonly<Record<string, LinkOptions>>) {
  const network = new LinkNetwork(folder);
  const machines = new Map<string, LinkedMachine>();
  try {
    for (const [name, link] of Object.entries(links)) machines.set(name, await network.machine(name, link));
  } catch (thrown) {
    await network[Symbol.asyncDispose]();
    throw thrown;
  }
  const machine = (name: string): LinkedMachine => {
    const found = machines.get(name);
    if (found === undefined) throw new Error(`no machine ${name}`);
    return found;
  };
  return { machines, machine, [Symbol.asyncDispose]: () => network[Symbol.asyncDispose]() };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

export function percentile(values: readonly number[], share: number): number {
  return (
    [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
  );
}

export function say(text: string): void {
  console.log(`  ${text}`);
}
