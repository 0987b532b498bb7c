/** Those who are measured: curl and aria2 from nginx, each with its check, and two nodes of ours. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { ModelRow } from '../../src/api/index.ts';
import { eventually } from '../../src/testkit/eventually.ts';
import { DevNetwork, type DevNode, processUsage } from '../../src/testkit/processes.ts';
import { ensureDebian } from '../../tools/setup.mjs';

export interface Usage {
  readonly cpuSeconds: number;
  readonly seederPeakBytes: number;
  readonly pullerPeakBytes: number;
}

export interface Contestant {
  readonly name: string;
  /** Undoes the last run. Not measured. */
  prepare(): Promise<void>;
  work(): Promise<void>;
  usage?(): Promise<Usage>;
}

const execute = promisify(execFile);
const NGINX_PORT = 18_345;
const MODEL = 'bench/model';

export function rivals(url: string, out: string, sha256: string): Contestant[] {
  const prepare = () => rm(out, { force: true });
  const shell = (name: string, script: string): Contestant => ({
    name,
    prepare,
    work: async () => {
      await execute('sh', ['-c', `set -e; ${script}`]);
    },
  });
  const curl = `curl -sS -o '${out}' '${url}'`;
  const aria2 = `aria2c -q -x8 -s8 --file-allocation=falloc --checksum=sha-256=${sha256} --allow-overwrite=true -d / -o '${out.slice(1)}' '${url}'`;
  return [
    shell('curl, unchecked', curl),
    shell('curl, then sha256sum', `${curl}; test "$(sha256sum < '${out}' | cut -c1-64)" = ${sha256}`),
    shell('curl, then openssl', `${curl}; openssl dgst -sha256 '${out}' | grep -q ${sha256}`),
    shell('aria2c -x8, its checksum', aria2),
  ];
}

/** nginx as Debian ships it, with sendfile, over a folder. */
export async function openNginx(folder: string): Promise<AsyncDisposable & { urlOf(file: string): string }> {
  const missing = ensureDebian([
    { command: 'nginx', name: 'nginx-light' },
    { command: 'aria2c', name: 'aria2' },
    { command: 'curl', name: 'curl' },
    { command: 'openssl', name: 'openssl' },
  ]);
  if (missing.length > 0) throw new Error(`This benchmark needs ${missing.join(', ')}`);
  const prefix = join(folder, 'nginx');
  await mkdir(prefix, { recursive: true });
  await writeFile(join(prefix, 'nginx.conf'), nginxConfig(folder));
  const child = spawn('nginx', ['-p', prefix, '-c', join(prefix, 'nginx.conf')], { stdio: 'ignore' });
  await eventually(
    () => isOpen(NGINX_PORT),
    (open) => open,
  );
  return {
    urlOf: (file) => `http://127.0.0.1:${NGINX_PORT}/${basename(file)}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

export interface Ours extends AsyncDisposable {
  readonly sha256: string;
  readonly contestants: Contestant[];
}

/** Two seeders that have adopted the file, nodes that pull over loopback from one or both, and one over mutual TLS. */
export async function openOurs(folder: string, file: string): Promise<Ours> {
  const network = await DevNetwork.open(join(folder, 'ours'));
  const seeder = network.node('seeder');
  const second = network.node('second');
  const clear = network.node('clear');
  const tls = network.node('tls', { flags: ['--no-loopback-http'] });
  await Promise.all(network.nodes.map((node) => node.up()));
  await seeder.json('mesh', 'init', '--name', 'bench');
  const { code } = await seeder.json<{ code: string }>('mesh', 'invite', '--uses', '3');
  for (const node of [second, clear, tls]) await node.json('join', code);
  const { sha256 } = await seeder.json<{ sha256: string }>('model', 'import', file, '--name', MODEL);
  await second.json('model', 'import', file, '--name', MODEL);
  for (const node of [clear, tls]) await seesSeeders(node, 2);
  return {
    sha256,
    contestants: [
      pulling('atmosphere model pull', [seeder], clear),
      pulling('atmosphere model pull, two seeders', [seeder, second], clear),
      pulling('atmosphere model pull, TLS', [seeder], tls),
    ],
    [Symbol.asyncDispose]: () => network.close(),
  };
}

function pulling(name: string, seeders: readonly DevNode[], puller: DevNode): Contestant {
  const [only, ...others] = seeders;
  const from = others.length === 0 && only !== undefined ? ['--from', only.name] : [];
  let cpuBefore = 0;
  const cpuNow = async () => {
    const sending = await Promise.all(seeders.map((seeder) => processUsage(seeder.pid)));
    const receiving = await processUsage(puller.pid);
    return {
      cpuSeconds: [...sending, receiving].reduce((sum, one) => sum + one.cpuSeconds, 0),
      seederPeakBytes: Math.max(...sending.map((one) => one.peakRssBytes)),
      pullerPeakBytes: receiving.peakRssBytes,
    };
  };
  return {
    name,
    async prepare() {
      await puller.run('model', 'remove', MODEL);
      for (const node of [...seeders, puller]) await writeFile(`/proc/${node.pid}/clear_refs`, '5');
      cpuBefore = (await cpuNow()).cpuSeconds;
    },
    async work() {
      const { code, stderr } = await puller.run('model', 'pull', MODEL, ...from, '--quiet');
      if (code !== 0) throw new Error(stderr);
    },
    async usage() {
      const now = await cpuNow();
      return { ...now, cpuSeconds: now.cpuSeconds - cpuBefore };
    },
  };
}

async function seesSeeders(node: DevNode, count: number): Promise<void> {
  const list = () => node.json<{ models: ModelRow[] }>('model', 'list', '--mesh');
  await eventually(list, ({ models }) => models.some((row) => row.model_id === MODEL && row.nodes.length === count));
}

function isOpen(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => {
    socket.destroy();
    resolve(true);
  });
  socket.on('error', () => resolve(false));
  return promise;
}

function nginxConfig(root: string): string {
  const isRoot = process.getuid?.() === 0;
  return `${isRoot ? 'user root;' : ''} daemon off; pid nginx.pid; error_log stderr; worker_processes 1;
events {}
http { access_log off; sendfile on; tcp_nopush on; server { listen 127.0.0.1:${NGINX_PORT}; root ${root}; } }
`;
}
