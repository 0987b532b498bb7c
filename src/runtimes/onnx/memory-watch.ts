/** Resident memory of a process, looked at again and again: by /proc where there is one, else by `ps`. Spec: docs/spec/17-deployment.md §5.3. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { RUNTIMES_LIMITS } from '../limits.ts';

/** Calls back with each reading until the returned function is called, or the process has gone. */
export function watchMemory(pid: number | undefined, onReading: (bytes: number) => void): () => void {
  if (pid === undefined || process.platform === 'win32') return () => {};
  const isLinux = process.platform === 'linux';
  const read = isLinux ? readFromProc : readFromPs;
  const pauseMs = isLinux ? RUNTIMES_LIMITS.memoryCheckMs : RUNTIMES_LIMITS.memoryCheckByPsMs;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const look = async () => {
    const bytes = await read(pid).catch(() => undefined);
    if (isOver || bytes === undefined) return;
    onReading(bytes);
    timer = setTimeout(look, pauseMs);
  };
  void look();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

async function readFromProc(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  return kilobytes(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
}

function readFromPs(pid: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'rss=', '-p', String(pid)], (error, stdout) =>
      resolve(error === null ? kilobytes(stdout.trim()) : undefined),
    );
  });
}

function kilobytes(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text) * 1024;
}
