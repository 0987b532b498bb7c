/** Journey 22: a mission from a studio with the internet to a site without it, and its next version as what differs. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnswerOf, PackageEvent, PackageOffer } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { browse } from './avahi.ts';
import { sha256Of } from './journeys.ts';
import { follow, installed, models, openSite, PACKAGE, type Site, writeMission } from './site.ts';

let site: Site;
let mission: string;
let made: string;

beforeAll(async () => {
  site = await openSite();
  mission = join(site.network.folder, 'mission');
  made = join(site.network.folder, 'made');
  await writeMission({ folder: mission, version: '1.3' });
});
afterAll(() => site?.[Symbol.asyncDispose]());

async function create(version: string): Promise<string> {
  const flags = ['--mission', PACKAGE, '--from', mission, '--version', version, '--output', made];
  const { code, last } = await follow(site.studio, 'create', ...flags);
  expect([code, last.error]).toEqual([0, undefined]);
  return join(made, `${PACKAGE}-v${version}.atmo`);
}

function run(cwd: string, command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** kill -9 of its daemon when a part of the package has come. */
async function killInTheMiddle(node: Site['hall'], ...args: readonly string[]): Promise<void> {
  const child = node.spawn('package', ...args, '--json');
  const over = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout as Readable })) {
    const { event, done_bytes = 0 } = JSON.parse(line) as PackageEvent;
    if (event === 'progress' && done_bytes > 3 * MB) await node.kill();
  }
  await over;
}

/** Bytes that came from others for the last transfer. */
async function movedLast(node: Site['press']): Promise<number> {
  const {
    transfers: [last],
  } = await node.json<AnswerOf<'transfers'>>('transfers');
  return (last?.peers ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
}

test('22.1 made in the studio: unzip opens it, sha256sum and openssl agree', async () => {
  const archive = await create('1.3');
  const folder = join(site.network.folder, 'unpacked');
  run(site.network.folder, 'unzip', '-q', archive, '-d', folder);
  expect(run(folder, 'sha256sum', '-c', 'checksums.sha256')).toMatch(/^(.*: OK\n)+$/);
  expect((await readdir(folder)).sort()).toEqual([
    ...['agents', 'checksums.sha256', 'config', 'custody.jsonl', 'knowledge', 'manifest.yaml', 'models'],
  ]);
  const proof = join(site.network.folder, 'proof');
  await mkdir(proof);
  await site.studio.json('package', 'inspect', archive, '--signed-bytes', proof);
  const signed = ['-rawin', '-in', 'signed-bytes', '-sigfile', 'mesh.sig'];
  expect(run(proof, 'openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', 'mesh.pem', ...signed)).toContain('Success');
  expect(await sha256Of(join(folder, 'models/small-1.3.0.gguf'))).toBe(
    await sha256Of(join(mission, 'models/small.gguf')),
  );
});

test('22.2 in small parts over a stick, in any order, into a gateway that trusts the studio', async () => {
  const { studio, gateway, stick, studioMesh, network } = site;
  // The studio keeps what it sends: the next version is made against it.
  await follow(studio, 'import', join(made, `${PACKAGE}-v1.3.atmo`));
  await follow(studio, 'export', join(made, `${PACKAGE}-v1.3.atmo`), '--split', '5MB', '--output', stick);
  const names = (await readdir(stick)).filter((name) => /\.\d{3}$/.test(name)).sort();
  expect(names.map((name) => name.slice(-3))).toEqual(['001', '002', '003']);
  const hand = join(network.folder, 'hand');
  for (const [at, name] of [names[2], names[0], names[1]].entries()) {
    await rm(hand, { recursive: true, force: true });
    await mkdir(hand);
    await cp(join(stick, `${PACKAGE}-v1.3.atmo.parts.json`), join(hand, `${PACKAGE}-v1.3.atmo.parts.json`));
    await cp(join(stick, name ?? ''), join(hand, name ?? ''));
    if (at === 2) {
      const { code, last } = await follow(gateway, 'import', join(hand, name ?? ''), '--all-tiers');
      expect([code, last.code]).toEqual([6, 'mesh_unknown']);
      await gateway.json('package', 'trust', 'add', studioMesh, '--name', 'studio');
    }
    const { last } = await follow(gateway, 'import', join(hand, name ?? ''), '--all-tiers');
    expect(last.event).toBe(at === 2 ? 'completed' : 'waiting');
  }
  expect(await installed(gateway)).toEqual([expect.stringMatching(`^${PACKAGE} 1.3 tier_`)]);
});

test('22.3 the gateway shows it on the local network, for avahi-browse to see', async () => {
  const [service, ...others] = await browse(site.islands.within('press'), '_atmosphere._tcp');
  expect(others).toEqual([]);
  expect(service).toMatchObject({ instance: 'gateway', address: '10.77.1.1' });
  expect(service?.port).toBe(Number(new URL(site.gateway.ready.http).port));
  for (const entry of ['v=1', `node=${site.gateway.ready.node_id}`, `p1=${PACKAGE}@1.3`])
    expect(service?.txt).toContain(`"${entry}"`);
});

test('22.4 two machines find it by themselves, and each takes its tier; one is killed in the middle and goes on', async () => {
  const { press, hall, studioMesh } = site;
  const refused = await follow(press, 'sync', PACKAGE, '--from', 'gateway');
  expect([refused.last.code, await installed(press)]).toEqual(['mesh_unknown', []]);
  const trust = [press, hall].map((node) => node.json('package', 'trust', 'add', studioMesh));
  await Promise.all([...trust, hall.json('transfers', 'limit', '--download', '8MB/s')]);
  const [{ code, events, last }] = await Promise.all([
    follow(press, 'sync', PACKAGE, '--discover'),
    killInTheMiddle(hall, 'sync', PACKAGE, '--discover'),
  ]);
  expect([code, last.error]).toEqual([0, undefined]);
  expect(events.find(({ event }) => event === 'found')?.from?.name).toBe('gateway');
  await hall.up();
  await eventually(
    () => installed(hall),
    (packages) => packages.length > 0,
  );
  await hall.json('transfers', 'limit', '--clear');
  const both = ['acme/large@1.3.0', 'acme/small@1.3.0'];
  const lists = [installed(press), installed(hall), models(press), models(hall), models(press, '--mesh')];
  expect(await Promise.all(lists)).toEqual([
    [`${PACKAGE} 1.3 tier_1`],
    [`${PACKAGE} 1.3 tier_2`],
    ['acme/small@1.3.0'],
    both,
    both,
  ]);
  const folder = join(hall.home, 'packages', PACKAGE, 'current');
  expect(run(folder, 'sha256sum', '-c', 'checksums.sha256')).toMatch(/^(.*: OK\n)+$/);
  const custody = (await readFile(join(folder, 'custody.jsonl'), 'utf8')).trim().split('\n');
  const hands = custody.map((line) => JSON.parse(line) as { action: string; by: { name: string } });
  expect(hands.map(({ action, by }) => `${action} ${by.name}`)).toEqual([
    ...['created studio', 'exported studio', 'imported gateway', 'synced hall'],
  ]);
});

test('22.5 the next version comes as what differs: on the stick, and to the machines', async () => {
  const { studio, gateway, press, hall, stick } = site;
  const inventory = join(stick, 'site.json');
  await gateway.json('package', 'inventory', '--output', inventory);
  await writeMission({ folder: mission, version: '1.4', changeEvery: 1000 });
  const archive = await create('1.4');
  await follow(studio, 'export', archive, '--since', inventory, '--output', stick);
  const name = (await readdir(stick)).find((file) => file.includes('v1.4')) ?? '';
  const bytes = (await readFile(join(stick, name))).length;
  expect([name.includes('-from-1.3'), bytes < 1 * MB]).toEqual([true, true]);
  const { last } = await follow(gateway, 'import', join(stick, name), '--all-tiers');
  expect([last.event, last.error]).toEqual(['completed', undefined]);

  const { offers } = await hall.json<{ offers: PackageOffer[] }>('package', 'check-updates');
  expect(offers.filter(({ newer }) => newer)).toMatchObject([
    { id: PACKAGE, version: '1.4', tier: 'tier_2', installed_version: '1.3', trusted: true },
  ]);
  const synced = await Promise.all([press, hall].map((node) => follow(node, 'sync', '--from', 'gateway')));
  expect(synced.map(({ last: end }) => [end.event, end.error])).toEqual([
    ['completed', undefined],
    ['completed', undefined],
  ]);
  expect([await installed(press), await installed(hall)]).toEqual([
    [`${PACKAGE} 1.4 tier_1`],
    [`${PACKAGE} 1.4 tier_2`],
  ]);
  expect(await movedLast(press)).toBeLessThan(64_000);
  expect(await movedLast(hall)).toBeLessThan(1 * MB);
  const model = join(hall.home, 'packages', PACKAGE, 'current', 'models', 'large-1.4.0.gguf');
  expect(await sha256Of(model)).toBe(await sha256Of(join(mission, 'models/large.gguf')));
});

test('22.6 an older version is refused, and going back is one command', async () => {
  const { gateway, press, hall } = site;
  const old = await follow(gateway, 'import', join(made, `${PACKAGE}-v1.3.atmo`), '--all-tiers');
  expect([old.code, old.last.code]).toEqual([6, 'downgrade_refused']);
  const { last } = await follow(press, 'sync', '--from', 'gateway');
  expect([last.event, last.already_here]).toEqual(['completed', true]);
  const back = await follow(hall, 'rollback', PACKAGE, '--reason', 'misses cracks');
  expect([back.code, back.last.error, await installed(hall)]).toEqual([0, undefined, [`${PACKAGE} 1.3 tier_2`]]);
  expect(await models(hall)).toContain('acme/large@1.3.0');
});
