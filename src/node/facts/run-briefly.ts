/**
 * Asks a program of this machine one question: bounded in time and in words, and never thrown about. It has a process group of its
 * own, so that what it starts ends with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { NODE_LIMITS } from '../limits.ts';

export interface BriefRun {
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
}

/** What it printed; undefined when it is not there, fails, says too much or takes too long. */
export function runBriefly(
  command: string,
  args: readonly string[],
  options: BriefRun = {},
): Promise<string | undefined> {
  const { env = process.env, timeoutMs = NODE_LIMITS.describeMs } = options;
  return new Promise((resolve) => {
    // Not where the daemon was started: a program may load what lies there.
    const child = startQuietly(command, args, env);
    if (child === undefined) return resolve(undefined);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (answer: string | undefined): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    const cut = (): void => {
      killGroup(child);
      child.stdout?.destroy();
      end(undefined);
    };
    const timer = setTimeout(cut, timeoutMs);
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > NODE_LIMITS.describeBytes) cut();
    });
    child.once('error', () => end(undefined));
    child.once('close', (code) => end(code === 0 ? Buffer.concat(chunks).toString('utf8') : undefined));
  });
}

function startQuietly(command: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess | undefined {
  try {
    return spawn(command, [...args], {
      ...{ cwd: tmpdir(), env, windowsHide: true },
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined;
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}
