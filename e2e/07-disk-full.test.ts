/**
 * Journey 7: no room. The disk is a real one that is really full where this user may mount one; elsewhere the quota
 * stands in for it, and the journey that fills a disk in the middle of a pull is not among the tests.
 */
import { existsSync } from 'node:fs';
import { access, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ModelRow, Transfer } from '../src/api/index.ts';
import { MB, MiB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { pull, seesModel, sha256Of, startMesh } from './journeys.ts';
import { SmallDisk } from './small-disk.ts';

/** What a pull leaves free for the rest of the machine (docs/limits.md, reserveBytes). */
const RESERVE = 512 * MiB;
const DISK = RESERVE + 150 * MB;
const QUOTA = 150 * MB;
const LARGE = 320 * MB;
const network = await DevNetwork.open();
const disk = await SmallDisk.mount(join(network.folder, 'edge'), DISK);
const SIZES = { first: 60 * MB, second: 120 * MB, large: LARGE };
const sha256 = { first: '', second: '', large: '' };
let workshop: DevNode;
let edge: DevNode;
let thrifty: DevNode;

beforeAll(async () => {
  network.node('edge', { flags: disk === undefined ? ['--quota', '150MB'] : [] });
  network.node('thrifty', { flags: ['--quota', '150MB'] });
  [workshop, edge, thrifty] = (await startMesh(network, ['workshop', 'edge', 'thrifty'])) as [
    DevNode,
    DevNode,
    DevNode,
  ];
  for (const name of ['first', 'second', 'large'] as const) {
    const file = join(network.folder, `${name}.gguf`);
    await writeGgufFile(file, { sizeBytes: SIZES[name], seed: name });
    const row = await workshop.json<ModelRow>('model', 'import', file, '--name', `acme/${name}`);
    sha256[name] = row.sha256 ?? '';
  }
});
afterAll(async () => {
  await network.close({ keepFiles: true });
  await disk?.[Symbol.asyncDispose]();
  await rm(network.folder, { recursive: true });
});

const cases: [string, () => DevNode, RegExp][] = [
  ['a full disk', () => edge, disk === undefined ? /quota|of 150/ : /free|room/],
  ['a quota', () => thrifty, new RegExp(`of ${QUOTA}|quota`)],
];

test.each(cases)(
  '7.1 %s: a pull that does not fit is refused before a byte moves, and leaves nothing',
  async (_, on, message) => {
    const node = on();
    await seesModel(node, 'acme/second');
    expect((await pull(node, 'acme/first')).code).toBe(0);
    const { code, last } = await pull(node, 'acme/second');
    expect([code, last.event, last.kind]).toEqual([7, 'failed', 'storage']);
    expect(last.error).toMatch(message);
    expect(await readdir(join(node.home, 'parts'))).toEqual([]);
    const { stderr } = await node.run('model', 'pull', 'acme/second');
    expect(stderr).toContain('try:');
    expect((await node.run('status')).code).toBe(0);
  },
);

test.each(cases)('7.2 %s: once there is room, it goes through', async (_, on) => {
  const node = on();
  await node.json('model', 'remove', 'acme/first');
  const { code, last } = await pull(node, 'acme/second');
  expect([code, last.event]).toEqual([0, 'completed']);
  expect(await sha256Of(last.path ?? '')).toBe(sha256.second);
  await node.json('model', 'remove', 'acme/second');
});

if (disk !== undefined)
  test('7.3 a disk that fills up in the middle of a pull ends the pull, not the daemon, and keeps what came', async () => {
    await disk.resize(RESERVE + LARGE + 50 * MB);
    const part = join(edge.home, 'parts', sha256.large);
    const pulling = pull(edge, 'acme/large');
    await eventually(
      () =>
        access(part).then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    // The only holder is held meanwhile, so that the pull cannot end before the disk is full.
    process.kill(workshop.pid, 'SIGSTOP');
    await disk.fill(32 * MB);
    process.kill(workshop.pid, 'SIGCONT');
    const { code, last } = await pulling;
    expect([code, last.event, last.code], last.error).toEqual([7, 'failed', 'disk_full']);
    expect(existsSync(part)).toBe(true);
    expect((await edge.run('status')).code).toBe(0);
    const { transfers } = await edge.json<{ transfers: Transfer[] }>('transfers');
    expect(transfers[0]).toMatchObject({ model_id: 'acme/large', state: 'Failed', error: { code: 'disk_full' } });
  });

if (disk !== undefined)
  test('7.4 when there is room again, the pull goes on from there', async () => {
    await disk.resize(RESERVE + LARGE + 50 * MB);
    const { code, last } = await pull(edge, 'acme/large');
    expect([code, last.event]).toEqual([0, 'completed']);
    const moved = (last.peers ?? []).reduce((sum, peer) => sum + peer.bytes, 0);
    expect(moved).toBeLessThan(LARGE);
    expect(await sha256Of(last.path ?? '')).toBe(sha256.large);
    expect(await readdir(join(edge.home, 'parts'))).toEqual([]);
  });

if (disk !== undefined)
  test('7.5 a daemon starts, says so and stops on a disk without a free byte', async () => {
    await edge.stop();
    await disk.fill(0);
    const up = await edge.up().then(
      () => 'ready',
      (thrown: Error) => thrown.message,
    );
    expect(up).toMatch(/ready|full|no space|ENOSPC/i);
    if (up === 'ready') expect((await edge.run('status')).code).toBe(0);
    await edge.stop();
    await disk.resize(DISK + LARGE);
    await edge.up();
    expect((await seesModel(edge, 'acme/large'))?.local).toBe(true);
  });
