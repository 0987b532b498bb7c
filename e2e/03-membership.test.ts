/** Journey 3: who gets in, who does not, and who is put out. */
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NodeRow } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { listModels, pull, seesModel } from './journeys.ts';

let network: DevNetwork;
let owner: DevNode;
let guest: DevNode;
let stranger: DevNode;

beforeAll(async () => {
  network = await DevNetwork.open();
  [owner, guest, stranger] = ['owner', 'guest', 'stranger'].map((name) =>
    network.node(name, { flags: ['--no-loopback-http'] }),
  ) as [DevNode, DevNode, DevNode];
  await Promise.all([owner.up(), guest.up(), stranger.up()]);
  await owner.json('mesh', 'init', '--name', 'house');
  const file = join(network.folder, 'model.gguf');
  await writeGgufFile(file, { sizeBytes: 4 * MB, seed: 3 });
  await owner.json('model', 'import', file, '--name', 'acme/secret');
});
afterAll(() => network.close());

const nodesOf = async (node: DevNode) => (await node.json<{ nodes: NodeRow[] }>('mesh', 'nodes')).nodes;

test('3.1 a mistyped code is told from a wrong one', async () => {
  const { code } = await owner.json<{ code: string }>('mesh', 'invite');
  const middle = Math.floor(code.length / 2);
  const typo = `${code.slice(0, middle)}${code[middle] === 'a' ? 'b' : 'a'}${code.slice(middle + 1)}`;
  const result = await guest.run('join', typo);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain('try:');
});

test('3.2 a code lets one machine in, once, in the role it names', async () => {
  const { code } = await owner.json<{ code: string }>('mesh', 'invite', '--role', 'edge');
  expect(await guest.json('join', code)).toMatchObject({ role: 'edge', name: 'house' });
  const again = await stranger.run('join', code);
  expect(again.code).toBe(6);
  expect(again.stderr).toMatch(/used/);
  const rows = await nodesOf(owner);
  expect(rows.map((row) => [row.name, row.role])).toEqual(expect.arrayContaining([['guest', 'edge']]));
});

test('a mesh with others in it is not replaced by a command typed twice', async () => {
  const result = await owner.run('mesh', 'init', '--name', 'house');
  expect(result.code).toBe(6);
  expect(result.stderr).toContain('--replace');
  expect((await nodesOf(owner)).map((row) => row.name)).toContain('guest');
});

test('3.3 a stranger is shown nothing, neither by the mesh nor by TLS', async () => {
  expect(await listModels(stranger, '--mesh')).toEqual([]);
  const { sha256 } = (await seesModel(guest, 'acme/secret')) ?? {};
  const { hostname, port } = new URL(owner.ready.http);
  const status = await new Promise<number | string>((resolve) => {
    const call = httpsRequest(
      { hostname, port, path: `/v1/blobs/${sha256}`, rejectUnauthorized: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.on('error', (error) => resolve(error.message)).end();
  });
  expect(status).not.toBe(200);
});

test('3.4 a member that is revoked is out at once, and what it had heard of is gone', async () => {
  await owner.json('mesh', 'revoke', 'guest');
  await eventually(
    () => nodesOf(owner),
    (rows) => rows.some((row) => row.name === 'guest' && row.state === 'revoked' && !row.connected),
  );
  const { code } = await pull(guest, 'acme/secret').catch(() => ({ code: -1 }));
  expect(code).not.toBe(0);
  expect(await listModels(guest)).toEqual([]);
  await guest.stop();
  await guest.up();
  expect((await guest.run('status')).code).toBe(0);
});

test('3.5 leaving makes a mesh of one again', async () => {
  const { code } = await owner.json<{ code: string }>('mesh', 'invite');
  await stranger.json('join', code);
  await seesModel(stranger, 'acme/secret');
  await stranger.json('mesh', 'leave');
  expect((await nodesOf(stranger)).map((row) => row.name)).toEqual(['stranger']);
  expect(await listModels(stranger, '--mesh')).toEqual([]);
});

test('3.6 only the authority invites and revokes', async () => {
  const { code } = await owner.json<{ code: string }>('mesh', 'invite');
  await stranger.json('join', code);
  const invite = await stranger.run('mesh', 'invite');
  expect(invite.code).toBe(6);
  const revoke = await stranger.run('mesh', 'revoke', 'owner');
  expect(revoke.code).toBe(6);
});
