/** Ours and others, each from two files on disk to a difference on disk, and back where that is asked for. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './measure.ts';

export interface Made {
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly memoryMB: number;
  readonly encodings?: unknown;
}

export interface Applied {
  readonly seconds: number;
  readonly memoryMB: number;
}

export interface Contestant {
  readonly name: string;
  /** A program that must be there. */
  readonly needs?: string;
  /** It is given files of this size instead, and says so. */
  readonly sizeBytes?: number;
  make(base: string, target: string, out: string): Promise<Made>;
  apply?(base: string, difference: string, out: string): Promise<Applied>;
}

const here = (name: string) => join(import.meta.dirname, name);

async function made(out: string, command: string, ...args: string[]): Promise<Made> {
  const { seconds, memoryMB } = await run(command, ...args);
  return { seconds, memoryMB, sizeBytes: statSync(out).size };
}

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'atmosphere',
    async make(base, target, out) {
      const { output } = await run(process.execPath, here('ours.ts'), 'make', base, target, out);
      return JSON.parse(output) as Made;
    },
    async apply(base, difference, out) {
      const { output } = await run(process.execPath, here('ours.ts'), 'apply', base, difference, out);
      return JSON.parse(output) as Applied;
    },
  },
  {
    name: 'zstd --patch-from',
    needs: 'zstd',
    make: (base, target, out) =>
      made(out, 'zstd', '-q', '-f', '-T2', '--long=30', `--patch-from=${base}`, target, '-o', out),
    apply: (base, difference, out) =>
      run('zstd', '-q', '-f', '-d', '--long=30', '--memory=2048MB', `--patch-from=${base}`, difference, '-o', out),
  },
  {
    name: 'xdelta3',
    needs: 'xdelta3',
    sizeBytes: 250e6,
    make: (base, target, out) => made(out, 'xdelta3', '-e', '-f', '-s', base, target, out),
    apply: (base, difference, out) => run('xdelta3', '-d', '-f', '-s', base, difference, out),
  },
  {
    name: 'bsdiff',
    needs: 'bsdiff',
    sizeBytes: 16e6,
    make: (base, target, out) => made(out, 'bsdiff', base, target, out),
  },
  {
    name: '64 KiB content-defined chunks',
    async make(base, target) {
      const { output, ...measured } = await run(process.execPath, here('content-chunks.ts'), base, target);
      return { ...measured, ...(JSON.parse(output) as { readonly sizeBytes: number }) };
    },
  },
];

export function isThere({ needs }: Contestant): boolean {
  if (needs === undefined) return true;
  try {
    execFileSync('which', [needs], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
