import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { capture } from './captured-io.fixture.ts';
import { openFakeDaemon } from './fake-daemon.fixture.ts';

const mesh = makeTestMesh('inventory', Date.UTC(2030, 0));
const INVENTORY = {
  ...{
    type: 'site_inventory',
    node_id: mesh.member('gate').nodeId,
    node_name: '../gate 7',
    mesh_id: mesh.authority.id,
  },
  ...{ created: '2030-01-01T00:00:00Z', models: [], packages: [] },
};

test('an inventory goes to the file that is named, into the folder as its node, and else says why not', async () => {
  await using daemon = await openFakeDaemon({ 'GET /api/v1/packages/inventory': () => INVENTORY });
  const stick = join(daemon.home, 'stick');
  await mkdir(stick);
  const write = (...path: string[]) =>
    capture(['package', 'inventory', '--output', join(stick, ...path), '--home', daemon.home]);
  expect((await write('site.json')).code).toBe(0);
  expect((await write()).stdout).toContain(join(stick, 'gate-7.inventory.json'));
  expect((await readdir(stick)).sort()).toEqual(['gate-7.inventory.json', 'site.json']);
  expect(JSON.parse(await readFile(join(stick, 'gate-7.inventory.json'), 'utf8'))).toEqual(INVENTORY);
  expect(await write('gone', 'site.json')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Writing the inventory to .*gone.site\.json: ENOENT/),
  });
});
