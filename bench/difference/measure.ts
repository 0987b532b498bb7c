/** A program run to its end: seconds, its own words, and the most memory that it had. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export interface Run {
  readonly seconds: number;
  readonly memoryMB: number;
  readonly output: string;
}

const POLL_MS = 20;

export async function run(command: string, ...args: string[]): Promise<Run> {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let memoryMB = 0;
  const poll = setInterval(() => {
    memoryMB = Math.max(memoryMB, highWaterMB(child.pid));
  }, POLL_MS);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [status] = await once(child, 'close');
  clearInterval(poll);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return { seconds: (performance.now() - start) / 1000, memoryMB, output };
}

/** The kernel keeps the highest, so that only the last moments before the end are missed. */
function highWaterMB(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round((Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024) / 1e6);
  } catch {
    return 0;
  }
}
