/** Asks a program of this machine one question: bounded in time and in words, and never thrown about. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { NODE_LIMITS } from '../limits.ts';

/** What it printed; undefined when it is not there, fails, or takes too long. */
export function runBriefly(command: string, args: readonly string[], env = process.env): Promise<string | undefined> {
  const options = {
    // Not where the daemon was started: a program may load what lies there.
    cwd: tmpdir(),
    env,
    timeout: NODE_LIMITS.describeMs,
    killSignal: 'SIGKILL',
    maxBuffer: NODE_LIMITS.describeBytes,
    windowsHide: true,
  } as const;
  return new Promise((resolve) => {
    try {
      const child = execFile(command, [...args], options, (error, stdout) =>
        resolve(error === null ? stdout : undefined),
      );
      child.stdin?.on('error', () => {});
      child.stdin?.end();
    } catch {
      resolve(undefined);
    }
  });
}
