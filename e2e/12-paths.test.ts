/** Journey 12: the same model by other ways: a circuit relay, a mesh stream past a closed HTTP port, a mirror. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PullEvent } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { type Islands, MIDDLE, openIslands } from './islands.ts';
import { pull, seesModel, sha256Of } from './journeys.ts';

let islands: Islands;
let network: DevNetwork;
let town: DevNode;
let factory: DevNode;
let office: DevNode;
let nginx: ChildProcess | undefined;

beforeAll(async () => {
  islands = openIslands('town', ['factory', 'office']);
  network = await DevNetwork.open();
  const mirror = ['--mirror', `http://${MIDDLE}:8080/models/{file}`];
  town = network.node('town', { within: islands.within('town'), flags: ['--relay-server'] });
  factory = network.node('factory', { within: islands.within('factory') });
  office = network.node('office', { within: islands.within('office'), flags: mirror });
  await Promise.all([town, factory, office].map((node) => node.up()));
  await town.json('mesh', 'init', '--name', 'paths');
  const { code } = await town.json<{ code: string }>('mesh', 'invite', '--uses', '2');
  await Promise.all([factory, office].map((node) => node.json('join', code)));
});
afterAll(async () => {
  nginx?.kill('SIGKILL');
  await network?.close();
  islands?.close();
});

async function shareModel(id: string, megabytes: number, seed: number): Promise<string> {
  const path = join(network.folder, `${id}.Q8_0.gguf`);
  await writeGgufFile(path, { sizeBytes: megabytes * MB, seed });
  await factory.json('model', 'import', path, '--name', `acme/${id}`);
  return path;
}

function runIn(place: string, ...command: readonly string[]): void {
  const [first = '', ...rest] = [...islands.within(place), ...command];
  execFileSync(first, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
}

test('12.1 between two islands, through the circuit relay of a member', async () => {
  const path = await shareModel('first', 24, 1);
  await seesModel(office, 'acme/first');
  const { code, last } = await pull(office, 'acme/first');
  expect([code, last.event, last.error]).toEqual([0, 'completed', undefined]);
  expect(last.peers?.map(({ name }) => name)).toEqual(['factory']);
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(path));
});

test('12.2 past a closed HTTP port, by a stream of the mesh', async () => {
  const path = await shareModel('second', 24, 2);
  await seesModel(town, 'acme/second');
  const port = new URL(factory.ready.http).port;
  runIn('factory', 'nft', 'add', 'table', 'inet', 'closed');
  runIn('factory', 'nft', 'add', 'chain', 'inet', 'closed', 'in', '{ type filter hook input priority 0; }');
  runIn('factory', 'nft', 'add', 'rule', 'inet', 'closed', 'in', 'iifname', 'up0', 'tcp', 'dport', port, 'drop');
  const { code, last } = await pull(town, 'acme/second');
  expect([code, last.event, last.error]).toEqual([0, 'completed', undefined]);
  expect(last.peers?.map(({ name }) => name)).toEqual(['factory']);
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(path));
});

test('12.3 a holder that goes away in the middle: a mirror has the rest, behind a redirect', async () => {
  const path = await shareModel('third', 48, 3);
  const log = await openMirror();
  runIn(
    'factory',
    'tc',
    'qdisc',
    'add',
    'dev',
    'up0',
    'root',
    'tbf',
    'rate',
    '40mbit',
    'burst',
    '64kb',
    'latency',
    '50ms',
  );
  await seesModel(office, 'acme/third');
  const child = office.spawn('model', 'pull', 'acme/third', '--json');
  const events = readEvents(child);
  await events.untilBytes(2 * MB);
  await factory.kill();
  const [code] = await once(child, 'close');
  expect([code, events.last()?.event, events.last()?.error]).toEqual([0, 'completed', undefined]);
  expect(await sha256Of(events.last()?.path ?? '')).toBe(await sha256Of(path));
  const lines = (await readFile(log, 'utf8')).trim().split('\n');
  expect(lines.some((line) => line.startsWith('302 /models/third.Q8_0.gguf'))).toBe(true);
  expect(lines.some((line) => line.startsWith('206 /files/third.Q8_0.gguf'))).toBe(true);
});

/** nginx as a hub in front of its CDN; resolves with its access log: status, path, bytes. */
async function openMirror(): Promise<string> {
  const prefix = join(network.folder, 'nginx');
  const log = join(prefix, 'access.log');
  await mkdir(prefix);
  await writeFile(
    join(prefix, 'nginx.conf'),
    `user root; daemon off; pid nginx.pid; error_log stderr; worker_processes 1; events {}
     http { log_format plain '$status $uri $body_bytes_sent'; access_log ${log} plain; sendfile on;
       client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
       server { listen ${MIDDLE}:8080; location /models/ { rewrite ^/models/(.*)$ http://${MIDDLE}:8081/files/$1 redirect; } }
       server { listen ${MIDDLE}:8081; location /files/ { alias ${network.folder}/; } } }`,
  );
  const [first = '', ...rest] = [...islands.within('town'), 'nginx', '-p', prefix, '-c', join(prefix, 'nginx.conf')];
  nginx = spawn(first, rest, { stdio: 'ignore' });
  const ask = async () => {
    const [curl = '', ...args] = [...islands.within('town'), 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}'];
    const child = spawn(curl, [...args, `http://${MIDDLE}:8080/models/x`], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    for await (const chunk of child.stdout) text += chunk;
    return text;
  };
  await eventually(ask, (status) => status === '302');
  return log;
}

/** The lines of a pull that runs, as they come. */
function readEvents(child: ChildProcess) {
  const events: PullEvent[] = [];
  const listeners = new Set<() => void>();
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n');
    text = lines.pop() ?? '';
    events.push(...lines.map((line) => JSON.parse(line) as PullEvent));
    for (const listener of listeners) listener();
  });
  const untilBytes = (bytes: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (events.some((event) => event.bytes_downloaded >= bytes)) resolve();
      };
      listeners.add(look);
      child.once('close', () => reject(new Error(`the pull ended before it had ${bytes} bytes`)));
      look();
    });
  return { untilBytes, last: () => events.at(-1) };
}
