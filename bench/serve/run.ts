/** Serving speed beside nginx, in turn, in one run. See README.md. Writes result.json. */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';

const GIB = 1024 ** 3;
const ROUNDS = Number(process.argv[2] ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'atmosphere-bench-serve-'));
const file = join(folder, 'blob');
const key = join(folder, 'key.pem');
const cert = join(folder, 'cert.pem');
const NGINX_PORT = 18_345;

interface Target {
  readonly name: string;
  readonly scheme: 'http' | 'https';
  readonly url: { readonly port: number; readonly path: string };
  readonly cpuSeconds: () => Promise<number>;
}

interface Sample {
  readonly mibPerSecond: number;
  readonly senderCpuSecondsPerGib: number;
}

function prepare(): void {
  execFileSync('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=1024', 'status=none']);
  const subject = ['-nodes', '-days', '1', '-subj', '/CN=bench', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', ...subject], { stdio: 'ignore' });
}

async function startNginx(): Promise<ChildProcess> {
  const tls = `listen 127.0.0.1:${NGINX_PORT + 1} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3;`;
  const server = `server { listen 127.0.0.1:${NGINX_PORT}; ${tls} root ${folder}; }`;
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const http = `http { access_log off; sendfile on; tcp_nopush on; ${temp.join(' ')} ${server} }`;
  const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/log; events {} ${http}`;
  writeFileSync(join(folder, 'nginx.conf'), config);
  const child = spawn('/usr/sbin/nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' });
  await untilOpen(NGINX_PORT);
  return child;
}

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const socket = createConnection({ host: '127.0.0.1', port });
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
}

/** User and system time of another process, from the kernel, in hundredths of a second. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measure(target: Target, client: 'curl' | 'drain'): Promise<Sample> {
  const before = await target.cpuSeconds();
  const started = performance.now();
  await runClient(target, client);
  const seconds = (performance.now() - started) / 1000;
  const cpu = (await target.cpuSeconds()) - before;
  return { mibPerSecond: 1024 / seconds, senderCpuSecondsPerGib: cpu };
}

async function runClient({ scheme, url }: Target, client: 'curl' | 'drain'): Promise<void> {
  const child =
    client === 'curl'
      ? spawn('curl', ['-sk', '-o', '/dev/null', `${scheme}://127.0.0.1:${url.port}${url.path}`])
      : spawn(process.execPath, [join(import.meta.dirname, 'drain.ts'), String(url.port), url.path, scheme]);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${client} of ${scheme} ended with ${code}`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

prepare();
const nginx = await startNginx();
const edge = fork(join(import.meta.dirname, 'server.ts'), [file, key, cert]);
const [ready] = (await once(edge, 'message')) as [{ port: number; target: string }];
const usage = async (): Promise<{ cpuSeconds: number; maxRssMiB: number }> => {
  edge.send('usage');
  const [answer] = await once(edge, 'message');
  return answer;
};
const edgeCpu = async (): Promise<number> => (await usage()).cpuSeconds;
const nginxCpu = async (): Promise<number> => cpuSecondsOf(nginx.pid ?? 0);
const targets: readonly Target[] = [
  { name: 'atmosphere', scheme: 'http', url: { port: ready.port, path: ready.target }, cpuSeconds: edgeCpu },
  { name: 'nginx', scheme: 'http', url: { port: NGINX_PORT, path: '/blob' }, cpuSeconds: nginxCpu },
  { name: 'atmosphere', scheme: 'https', url: { port: ready.port, path: ready.target }, cpuSeconds: edgeCpu },
  { name: 'nginx', scheme: 'https', url: { port: NGINX_PORT + 1, path: '/blob' }, cpuSeconds: nginxCpu },
];
for (const { scheme, url, name } of targets) {
  const command = `curl -sk ${scheme}://127.0.0.1:${url.port}${url.path} | cmp - ${file}`;
  execFileSync('sh', ['-c', command]);
  console.log(`${name} ${scheme}: every byte is right`);
}
const loadBefore = loadavg()[0];
const samples = new Map<string, Sample[]>();
for (let round = 0; round < ROUNDS; round += 1)
  for (const client of ['curl', 'drain'] as const)
    for (const target of targets) {
      const label = `${target.name} ${target.scheme} → ${client}`;
      samples.set(label, [...(samples.get(label) ?? []), await measure(target, client)]);
    }
const rows = [...samples].map(([what, list]) => ({
  what,
  mib_per_second: Math.round(median(list.map((sample) => sample.mibPerSecond))),
  sender_cpu_s_per_gib: Number(median(list.map((sample) => sample.senderCpuSecondsPerGib)).toFixed(2)),
}));
const { maxRssMiB } = await usage();
edge.disconnect();
nginx.kill();
await once(nginx, 'exit');
rmSync(folder, { recursive: true });
console.table(rows);
const result = {
  file_bytes: GIB,
  rounds: ROUNDS,
  node: process.version,
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  /** Of one minute, before the first round: above 1, others used the machine too. */
  load_before: loadBefore,
  edge_peak_rss_mib: Math.round(maxRssMiB),
  rows,
};
writeFileSync(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
console.log(`peak memory of the edge: ${Math.round(maxRssMiB)} MiB`);
