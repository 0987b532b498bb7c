/** A daemon in the background, with what the kernel counts of it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BenchDaemon extends AsyncDisposable {
  /** Bytes of all reads, from the disk or the page cache. */
  readBytes(): number;
  /** The most that it had. */
  memoryMB(): number;
  stop(): Promise<void>;
}

/** It looks at no folder but its own. */
export async function openDaemon(program: string, home: string): Promise<BenchDaemon> {
  const nobody = join(home, 'nobody');
  mkdirSync(nobody, { recursive: true, mode: 0o700 });
  const env = { ...process.env, HOME: nobody };
  const call = (...args: string[]) =>
    execFileSync(process.execPath, [program, ...args, '--home', home, '--json'], { env });
  const ports = ['--port', '0', '--mesh-port', '0', '--agent-port', '0', '--no-mdns', '--no-scan-defaults'];
  const { pid } = JSON.parse(call('up', '--detach', ...ports).toString()) as { readonly pid: number };
  let isRunning = true;
  const stop = async () => {
    if (isRunning) call('down');
    isRunning = false;
  };
  const figure = (file: string, pattern: RegExp) =>
    Number(pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0);
  return {
    readBytes: () => figure('io', /rchar: (\d+)/),
    memoryMB: () => Math.round((figure('status', /VmHWM:\s+(\d+)/) * 1024) / 1e6),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
