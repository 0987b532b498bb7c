/** Journey 11: two machines that cannot reach each other, a third that both reach, and a model that gets across. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { PullEvent } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually, nextTurn } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { type Islands, MIDDLE, openIslands } from './islands.ts';
import { joinUp, pull, seesModel, sha256Of } from './journeys.ts';

const RELAY_PORT = '4303';
const OTHER_PORT = '5303';

let islands: Islands;
let network: DevNetwork;
let relay: DevNode;
let factory: DevNode;
let office: DevNode;

beforeAll(async () => {
  islands = openIslands('relay', ['factory', 'office']);
  network = await DevNetwork.open();
  relay = network.node('relay', {
    command: 'relay',
    within: islands.within('relay'),
    flags: ['--mesh-port', '4400', '--port', RELAY_PORT, '--rate', '16MB'],
  });
  factory = island('factory', '--relay', MIDDLE);
  office = island('office');
  await joinUp([relay, factory, office]);
});
afterAll(async () => {
  await network?.close();
  islands?.close();
});

function island(name: string, ...flags: readonly string[]): DevNode {
  return network.node(name, { within: islands.within(name), flags });
}

async function shareModel(id: string, megabytes: number, seed: number): Promise<string> {
  const path = join(network.folder, `${id}.Q8_0.gguf`);
  await writeGgufFile(path, { sizeBytes: megabytes * MB, seed });
  await factory.json('model', 'import', path, '--name', `acme/${id}`);
  await seesModel(office, `acme/${id}`);
  return path;
}

/** What the relay's metrics say. */
async function metric(name: string): Promise<number> {
  const [command, ...args] = [...islands.within('relay'), 'curl', '-s', `${relay.ready.http}/metrics`];
  const child = spawn(command as string, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.split(' ')
      .at(-1) ?? Number.NaN,
  );
}

/** Resolves when a pull under way has that many bytes; what it says afterwards is read and dropped. */
async function untilBytes(child: ChildProcess, bytes: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const lines = createInterface({ input: child.stdout as Readable });
  lines.on('line', (line) => {
    const event = JSON.parse(line) as PullEvent;
    if (event.bytes_downloaded >= bytes) resolve();
  });
  lines.once('close', () => reject(new Error(`the pull ended before it had ${bytes} bytes`)));
  await promise;
}

test('11.1 the relay says where it listens, and has its holder', async () => {
  expect(relay.ready).toMatchObject({ relay: `0.0.0.0:${RELAY_PORT}` });
  await eventually(
    () => metric('atmosphere_relay_holders'),
    (holders) => holders === 1,
  );
});

test('11.2 a model gets across, and the relay has carried its bytes', async () => {
  const path = await shareModel('first', 24, 1);
  const { code, last } = await pull(office, 'acme/first');
  expect([code, last.event, last.error]).toEqual([0, 'completed', undefined]);
  expect(await sha256Of(last.path ?? '')).toBe(await sha256Of(path));
  expect(await metric('atmosphere_relay_bytes_total')).toBeGreaterThan(24 * MB);
  expect(await metric(`atmosphere_relay_member_bytes{member="${office.ready.node_id}"}`)).toBeGreaterThan(24 * MB);
});

test('11.3 a relay that is killed in the middle and comes back: the pull goes on by itself', async () => {
  const path = await shareModel('second', 64, 2);
  const child = office.spawn('model', 'pull', 'acme/second', '--json');
  const ended = once(child, 'close');
  await untilBytes(child, 8 * MB);
  await relay.kill();
  await relay.up();
  const [code] = await ended;
  expect(code).toBe(0);
  const { path: arrived } = await office.json<{ path: string }>('model', 'path', 'acme/second');
  expect(await sha256Of(arrived)).toBe(await sha256Of(path));
  expect(await metric('atmosphere_relay_bytes_total')).toBeLessThan(64 * MB);
});

test('11.4 a node of another mesh does not become a holder, and says why', async () => {
  const stranger = network.node('stranger', { within: islands.within('office'), flags: ['--relay', MIDDLE] });
  onTestFinished(() => stranger.kill());
  await stranger.up();
  await eventually(
    async () => {
      await nextTurn();
      return stranger.log;
    },
    (log) => log.includes('not reachable through a relay') && log.includes('other_mesh'),
  );
  expect(await metric('atmosphere_relay_holders')).toBe(1);
});

test('11.5 bytes that are changed on the way break the connection, and nobody is blamed for their content', async () => {
  const path = await shareModel('third', 8, 3);
  await relay.kill();
  await relay.up('--port', OTHER_PORT);
  const proxy = await openFlippingProxy();
  await eventually(
    () => metric('atmosphere_relay_holders'),
    (holders) => holders === 1,
  );
  const { code, last } = await pull(office, 'acme/third');
  expect(code).not.toBe(0);
  expect(last.code).not.toMatch(/bad_piece|digest_mismatch/);
  expect(last.error).toContain('peer_unreachable');
  proxy.kill('SIGKILL');
  await relay.kill();
  await relay.up();
  const again = await pull(office, 'acme/third');
  expect([again.code, again.last.error]).toEqual([0, undefined]);
  expect(await sha256Of(again.last.path ?? '')).toBe(await sha256Of(path));
});

/** In the relay's place, in front of the relay: control connections are short enough to be left alone. */
async function openFlippingProxy(): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'flipping-proxy.ts');
  const args = [...islands.within('relay'), process.execPath, script, RELAY_PORT, OTHER_PORT, '100000'];
  const [command, ...rest] = args;
  const child = spawn(command as string, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}
