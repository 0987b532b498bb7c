/** nginx as Debian ships it, with sendfile, on one machine of a link network; and curl and aria2 on the others. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { eventually } from '../../src/testkit/eventually.ts';
import type { LinkedMachine } from '../../src/testkit/links/link-network.ts';

const PORT = 8080;

export interface NginxMachine extends AsyncDisposable {
  urlOf(file: string): string;
}

/** Serves the files of `root`. */
export async function openNginx(machine: LinkedMachine, root: string): Promise<NginxMachine> {
  const prefix = join(root, 'nginx');
  await mkdir(prefix, { recursive: true });
  await writeFile(join(prefix, 'nginx.conf'), configOf(root));
  const child = start(machine, ['nginx', '-p', prefix, '-c', join(prefix, 'nginx.conf')]);
  const url = `http://${machine.address}:${PORT}`;
  const ask = () => exitOf(machine, ['curl', '-s', '-o', '/dev/null', '-m', '1', url]);
  await eventually(ask, (code) => code === 0);
  return {
    urlOf: (file) => `${url}/${basename(file)}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** `curl -o` on that machine, from its start to its end. Returns seconds. */
export function timeCurl(machine: LinkedMachine, url: string, out: string, ...flags: string[]): Promise<number> {
  return timeGet(machine, ['curl', '-sS', ...flags, '-o', out, url], out);
}

/** aria2 with eight connections to the one server, as fast as it will go: no file is allocated before. */
export function timeAria2(machine: LinkedMachine, url: string, out: string): Promise<number> {
  const eight = ['--split=8', '--max-connection-per-server=8', '--min-split-size=1M', '--file-allocation=none'];
  const to = [`--dir=${dirname(out)}`, `--out=${basename(out)}`];
  return timeGet(machine, ['aria2c', '--quiet', '--no-conf', ...eight, ...to, url], out);
}

async function timeGet(machine: LinkedMachine, command: readonly string[], out: string): Promise<number> {
  await rm(out, { force: true });
  const startedMs = performance.now();
  const code = await exitOf(machine, command);
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}`);
  const seconds = (performance.now() - startedMs) / 1000;
  await rm(out, { force: true });
  return seconds;
}

function start(machine: LinkedMachine, command: readonly string[]) {
  const [program = '', ...args] = [...machine.within, ...command];
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function exitOf(machine: LinkedMachine, command: readonly string[]): Promise<number | null> {
  const [code] = (await once(start(machine, command), 'exit')) as [number | null];
  return code;
}

function configOf(root: string): string {
  return `user root; daemon off; pid nginx.pid; error_log error.log; worker_processes 1;
events {}
http { access_log off; sendfile on; tcp_nopush on; server { listen ${PORT}; root ${root}; } }
`;
}
