/** The wire with a delay of `delay-line.c`, compiled by the machine's own compiler where its kernel has no netem. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Compiles the program into `folder` and returns its path. Throws, and says why, where there is no compiler. */
export function buildDelayLine(folder: string): string {
  const program = join(folder, 'delay-line');
  execFileSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'delay-line.c')], { stdio: 'inherit' });
  return program;
}

export interface DelayLineOptions {
  readonly program: string;
  /** Where both interfaces are. */
  readonly namespace: string;
  readonly interfaces: readonly [string, string];
  /** One way; as much again on the way back. */
  readonly delayMs: number;
}

export async function startDelayLine(options: DelayLineOptions): Promise<ChildProcess> {
  const { program, namespace, interfaces, delayMs } = options;
  const args = ['netns', 'exec', namespace, program, ...interfaces, String(Math.round(delayMs * 1000))];
  const child = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const started = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => undefined)]);
  if (started === undefined) throw new Error(`delay-line ended with ${child.exitCode}`);
  return child;
}
