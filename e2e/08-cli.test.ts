/** Journey 8: the command line as people and scripts meet it, mistakes included. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitForModel } from '../demo/trouble.ts';
import type { ModelInfo, PullEvent, Transfer } from '../src/api/index.ts';
import { isProcessAlive } from '../src/cli/process-alive.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { curlJson } from './http.ts';
import { pull, seesModel, startMesh } from './journeys.ts';

const LARGE = 320 * MB;
const PORTS = ['--port', '0', '--mesh-port', '0', '--agent-port', '0', '--no-mdns', '--no-scan-defaults'];
let network: DevNetwork;
let workshop: DevNode;
let second: DevNode;
let edge: DevNode;
let idle: DevNode;

beforeAll(async () => {
  network = await DevNetwork.open();
  idle = network.node('idle');
  [workshop, second, edge] = (await startMesh(network, ['workshop', 'second', 'edge'])) as [DevNode, DevNode, DevNode];
  const both = await gguf('both', 2 * MB);
  for (const node of [workshop, second]) await node.json('model', 'import', both, '--name', 'acme/both');
  for (const version of ['1.0.0', '1.2.0', '2.0.0'])
    await workshop.json('model', 'import', await gguf(version, MB), '--name', 'acme/multi', '--version', version);
  await workshop.json('model', 'import', await gguf('large', LARGE), '--name', 'acme/large');
  await seesModel(edge, 'acme/both', 2);
  await seesModel(edge, 'acme/large');
});
afterAll(async () => {
  await network.node('detached').run('down');
  await network.close();
});

async function gguf(name: string, sizeBytes: number): Promise<string> {
  const path = join(network.folder, `${name}.gguf`);
  await writeGgufFile(path, { sizeBytes, seed: name });
  return path;
}

test.each([
  [['model', 'list', '--mseh'], 2, '--mesh'],
  [['modle', 'list'], 2, 'model'],
  [['model', 'pul', 'a'], 2, 'pull'],
  [['model', 'pull'], 2, 'name'],
  [['model', 'pull', '../../etc/passwd'], 2, '..'],
  [['model', 'pull', 'acme/both@not a range'], 2, 'range'],
  [['model', 'pull', 'acme/both@'], 2, '@'],
  [['model', 'pull', 'acme/both', '--from', 'nobody'], 3, 'nobody'],
  [['model', 'import', '/nowhere/at/all.gguf'], 3, '/nowhere/at/all.gguf'],
  [['model', 'share', 'acme/both'], 2, '--public'],
  [['model', 'info', 'acme/absent'], 3, 'acme/absent'],
  [['join', 'not-a-code'], 2, 'code'],
  [['mesh', 'invite', '--expires', 'soon'], 2, 'soon'],
  [['mesh', 'revoke', 'nobody'], 3, 'nobody'],
  [['transfers', 'cancel', 'nothing'], 3, 'nothing'],
  [['completion', 'powershell'], 2, 'bash'],
  [['up', '--port', '99999'], 2, '99999'],
  [['up', '--quota', 'much'], 2, 'much'],
  [['frobnicate'], 2, 'help'],
])('8.1 %j is refused with %i and says %s', async (args, code, text) => {
  const result = await workshop.run(...args);
  expect([result.code, result.stdout]).toEqual([code, '']);
  expect(result.stderr).toContain(text);
  expect(result.stderr).not.toMatch(/\n {4}at |node:internal/);
});

test('8.2 with --json a mistake is one document on stdout, with the same code', async () => {
  for (const args of [['model', 'list', '--mseh'], ['model', 'info', 'acme/absent'], ['frobnicate']]) {
    const plain = await workshop.run(...args);
    const result = await workshop.run(...args, '--json');
    expect(result.code).toBe(plain.code);
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: { code: expect.any(String), message: expect.any(String), kind: expect.any(String) },
    });
  }
});

test('8.3 without a daemon every command says how to start one', async () => {
  for (const args of [['status'], ['model', 'list'], ['mesh', 'nodes'], ['transfers']]) {
    const { code, stderr } = await idle.run(...args);
    expect([args, code]).toEqual([args, 5]);
    expect(stderr).toContain('atmosphere up');
  }
  expect(await idle.run('down')).toMatchObject({ code: 0, stdout: expect.stringContaining('no daemon') });
});

test('8.4 a home that is a file is told as one', async () => {
  const file = join(network.folder, 'no-home');
  await writeFile(file, '');
  const { code, stderr } = await idle.run('up', ...PORTS, '--home', file);
  expect(code).toBe(7);
  expect(stderr).toContain(file);
});

test('8.5 bash completes what its script says', async () => {
  const { stdout } = await idle.run('completion', 'bash');
  const script = join(network.folder, 'completion.bash');
  await writeFile(script, stdout);
  const bash = async (text: string) => {
    const child = spawn('bash', ['--norc', '-ec', `source ${script}; ${text}`]);
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    const [code] = await once(child, 'close');
    return { code, out };
  };
  expect(await bash('complete -p atmosphere')).toMatchObject({ code: 0, out: expect.stringContaining('atmosphere') });
  const complete = (...words: string[]) =>
    bash(
      `f=$(complete -p atmosphere | sed -E 's/.*-F ([^ ]+).*/\\1/'); COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; $f atmosphere; echo "\${COMPREPLY[@]}"`,
    );
  expect((await complete('atmosphere', 'mo')).out.trim()).toBe('model');
  expect((await complete('atmosphere', 'model', 'pu')).out.trim()).toBe('pull push');
  expect((await complete('atmosphere', 'model', 'list', '--av')).out.trim()).toBe('--available');
});

test('8.6 a background daemon: up, status, up again, down', async () => {
  const node = network.node('detached');
  const up = await node.json<{ event: string; pid: number }>('up', '--detach', '--name', 'detached', ...PORTS);
  expect(up.event).toBe('ready');
  expect(await node.json('status')).toMatchObject({ name: 'detached', pid: up.pid });
  const again = await node.run('up', '--detach', ...PORTS);
  expect(again.code).toBe(6);
  expect(again.stderr).toContain(String(up.pid));
  expect((await node.run('down')).code).toBe(0);
  expect(isProcessAlive(up.pid)).toBe(false);
  expect((await node.run('status')).code).toBe(5);
});

test('8.7 Ctrl-C in a pull ends it with 130, keeps what came, and the same command goes on', async () => {
  const { sha256 } = await waitForModel(edge, 'acme/large');
  const part = join(edge.home, 'parts', sha256, 'data');
  const child = edge.spawn('model', 'pull', 'acme/large', '--json');
  const closed = once(child, 'close');
  const events: PullEvent[] = [];
  if (child.stdout === null) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => events.push(JSON.parse(line) as PullEvent));
  await eventually(
    () => stat(part).catch(() => undefined),
    (found) => (found?.blocks ?? 0) * 512 > 32 * MB,
  );
  // The only holder is held, so that the pull cannot end by itself.
  process.kill(workshop.pid, 'SIGSTOP');
  const { json } = await curlJson(`${edge.ready.agent}/model/pull/progress`);
  expect(json).toMatchObject({ model: 'acme/large', status: 'downloading', total: LARGE });
  expect(json.progressPct).toBeLessThan(100);
  child.kill('SIGINT');
  await closed;
  process.kill(workshop.pid, 'SIGCONT');
  expect((await closed)[0]).toBe(130);
  const last = events.at(-1);
  expect(last).toMatchObject({ event: 'failed', kind: 'cancelled' });
  expect(existsSync(part)).toBe(true);
  const { transfers } = await edge.json<{ transfers: Transfer[] }>('transfers');
  expect(transfers[0]).toMatchObject({ request_id: last?.request_id, state: 'Cancelled' });
  const again = await pull(edge, 'acme/large');
  expect([again.code, again.last.event]).toEqual([0, 'completed']);
  const moved = (again.last.peers ?? []).reduce((sum, peer) => sum + peer.bytes, 0);
  expect(moved).toBeLessThan(LARGE);
});

test('8.8 a reader that goes away ends a command quietly', async () => {
  const child = workshop.spawn('model', 'list', '--mesh');
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout?.destroy();
  await once(child, 'close');
  expect(stderr).toBe('');
});

test('8.9 transfers --watch tells every change, a line each', async () => {
  const watch = edge.spawn('transfers', '--watch', '--json');
  const closed = once(watch, 'close');
  if (watch.stdout === null) throw new Error('no stdout');
  const states: string[] = [];
  const lines = createInterface({ input: watch.stdout });
  lines.on('line', (line) => {
    const { model_id, state } = JSON.parse(line) as Transfer;
    if (model_id === 'acme/both') states.push(state);
    if (state === 'Completed' && model_id === 'acme/both') watch.kill('SIGINT');
  });
  await pull(edge, 'acme/both');
  // The watch may have begun after the pull ended: then the next one tells.
  await eventually(
    async () => {
      if (states.length > 0) return states;
      await edge.json('model', 'remove', 'acme/both');
      await pull(edge, 'acme/both');
      return states;
    },
    (seen) => seen.includes('Completed'),
  );
  expect([0, 130]).toContain((await closed)[0]);
});

test('8.10 --from asks the node that is named, by name or by id', async () => {
  for (const [from, node] of [
    ['second', second],
    [workshop.ready.node_id, workshop],
  ] as const) {
    await edge.run('model', 'remove', 'acme/both');
    const { code, last } = await pull(edge, 'acme/both', '--from', from);
    expect([code, last.event, last.already_here ?? false]).toEqual([0, 'completed', false]);
    expect(last.peers?.filter((peer) => peer.bytes > 0).map((peer) => peer.node_id)).toEqual([node.ready.node_id]);
  }
});

test('8.11 a range picks the newest version in it', async () => {
  const { last } = await pull(edge, 'acme/multi@^1');
  expect(last).toMatchObject({ event: 'completed', version: '1.2.0' });
  expect((await pull(edge, 'acme/multi@1.0.0')).last.version).toBe('1.0.0');
  expect((await pull(edge, 'acme/multi')).last.version).toBe('2.0.0');
  const none = await edge.run('model', 'pull', 'acme/multi@^3');
  expect(none.code).toBe(3);
  expect(none.stderr).toContain('2.0.0');
});

test('8.12 info lists versions and holders', async () => {
  const versions = await edge.run('model', 'info', 'acme/multi', '--versions');
  for (const version of ['1.0.0', '1.2.0', '2.0.0']) expect(versions.stdout).toContain(version);
  const info = await edge.json<ModelInfo>('model', 'info', 'acme/large');
  expect(info.holders.map((holder) => [holder.name, holder.this_node])).toEqual(
    expect.arrayContaining([
      ['edge', true],
      ['workshop', false],
    ]),
  );
  const nodes = await edge.run('model', 'info', 'acme/large', '--nodes');
  expect(nodes.stdout).toMatch(/workshop +online/);
});

test('8.13 a pull on a terminal that is none prints plain lines', async () => {
  const { code, stdout, stderr } = await second.run('model', 'pull', 'acme/large');
  expect(code).toBe(0);
  expect(stdout).toContain('verified');
  expect(stdout + stderr).not.toContain('\u001b');
});

test('8.15 a file that is no model is taken as damaged, and says so at each turn', async () => {
  const path = join(network.folder, 'noise.gguf');
  await writeFile(path, Buffer.alloc(100_000, 7));
  const imported = await workshop.run('model', 'import', path);
  expect([imported.code, imported.stdout]).toEqual([4, expect.stringContaining('damaged')]);
  expect(imported.stderr).toContain('GGUF');
  const verified = await workshop.run('model', 'verify', 'noise');
  expect([verified.code, verified.stderr]).toEqual([4, expect.stringContaining('GGUF')]);
  const good = await workshop.run('model', 'verify', 'acme/both');
  expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('verified')]);
});

test('8.14 every command has help, on stdout, with an example', async () => {
  for (const args of [['up'], ['model'], ['model', 'pull'], ['mesh', 'invite'], ['transfers'], ['doctor'], ['join']]) {
    const { code, stdout, stderr } = await idle.run(...args, '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('atmosphere');
  }
});
