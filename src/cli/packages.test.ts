import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openIdentity } from '../trust/index.ts';
import { capture } from './captured-io.fixture.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-packages-'));
  openIdentity(join(folder, 'home'), { nodeName: 'workshop', nowMs: Date.now() });
  mkdirSync(join(folder, 'line', 'agents'), { recursive: true });
  writeFileSync(join(folder, 'line', 'agents', 'vision-1.0.yaml'), 'robot: vision\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const cli = (...argv: string[]) => capture(['package', ...argv, '--home', join(folder, 'home')]);
const at = (...path: string[]) => join(folder, ...path);
const create = (version = '1.0', ...more: string[]) =>
  cli('create', '--mission', 'line', '--from', at('line'), '--version', version, '--output', at('out'), ...more);

test('a package is made, told of, checked and taken along, all without a daemon', async () => {
  const made = await create('1.0', '--json');
  expect([made.code, made.documents.at(-1)]).toMatchObject([0, { event: 'completed', packages: [{ members: 1 }] }]);
  const file = at('out', 'line-v1.0.atmo');
  const told = await cli('inspect', file, '--json');
  expect(told.documents[0]).toMatchObject({ signature: { holds: true, trusted: true }, items: [{ id: 'vision' }] });
  const checked = await cli('verify', file, '--quick', '--json');
  expect([checked.code, checked.documents.at(-1)]).toMatchObject([
    0,
    { event: 'completed', good: true, hashed_bytes: 0 },
  ]);
  const taken = await cli('export', file, '--tier', '1', '--to', 'plant', '--output', at('stick'), '--json');
  expect(taken.documents.at(-1)).toMatchObject({ event: 'completed', tiers: ['tier_1'], difference: null });
  writeFileSync(at('line', 'agents', 'vision-1.0.yaml'), 'id: other\n');
  await create('1.1');
  const diff = await cli('diff', file, at('out', 'line-v1.1.atmo'));
  expect(diff.stdout).toContain('~ agents: vision');
});

test('a model that runs code when it is loaded is warned of when the package is made, with what lets it', async () => {
  mkdirSync(at('line', 'models'));
  writeFileSync(at('line', 'models', 'forest-1.0.pkl'), 'cos\nsystem\n.');
  const { code, stderr, documents } = await create('1.0', '--json');
  expect([code, documents.at(-1)]).toMatchObject([
    0,
    { event: 'completed', unsafe: [{ path: 'models/forest-1.0.pkl', id: 'forest' }] },
  ]);
  expect(stderr).toMatch(/forest-1\.0\.pkl runs code.*access set forest --ship-code ROLE.*up --allow-code/);
});

test('an altered byte is named, with the exit code of integrity and what to do', async () => {
  await create();
  const file = at('out', 'line-v1.0.atmo');
  const bytes = readFileSync(file);
  bytes.write('X', bytes.indexOf('robot: vision'));
  writeFileSync(file, bytes);
  const { code, stderr } = await cli('verify', file);
  expect(code).toBe(4);
  expect(stderr).toMatch(/agents\/vision-1\.0\.yaml has the SHA-256 .* wanted[\s\S]*try: atmosphere .*package export/);
});

test.each([
  [['create', '--version', '1'], 2, '--mission is missing'],
  [['create', '--mission', 'x', '--version', '1', '--tier', '4'], 2, 'tier_1, tier_2, tier_3'],
  [['create', '--mission', 'nothing', '--version', '1'], 3, 'there is no folder'],
  [['inspect', '/etc/hostname'], 2, 'wanted an .atmo file'],
  [['export', './nothing.atmo'], 2, 'there is no such file or folder'],
  [['export', 'line-1.0'], 5, 'No daemon is running'],
  [['export', 'line', '--split', '4x'], 2, 'no size like 4GiB, 700MB or dvd'],
  [['export', 'line', '--split', 'dvd', '--format', 'dir'], 2, '--split or --format dir'],
  [['export', 'line', '--format', 'tar'], 2, 'archive, dir'],
])('package %j ends with %i and says why', async (argv, code, words) => {
  const done = await cli(...argv);
  expect([done.code, done.stderr]).toEqual([code, expect.stringContaining(words)]);
});

test('where the words or the place are at fault, the help of the command is what to try', async () => {
  await create();
  const file = at('out', 'line-v1.0.atmo');
  const again = await cli('export', file, '--output', at('out'));
  expect([again.code, again.stderr]).toEqual([
    6,
    expect.stringMatching(/try: atmosphere .*package export --help {2}# --output writes elsewhere/),
  ]);
  writeFileSync(at('line', 'mission.yaml'), 'mission: {id: line}\nagent: []\n');
  const mistaken = await create('1.1');
  expect([mistaken.code, mistaken.stderr]).toEqual([
    2,
    expect.stringMatching(/try: atmosphere .*package create --help\n/),
  ]);
});

test('killed while it writes, it leaves nothing under a package’s name', async () => {
  mkdirSync(at('line', 'models'));
  writeFileSync(at('line', 'models', 'large-1.0.weights'), '');
  truncateSync(at('line', 'models', 'large-1.0.weights'), 4e9);
  mkdirSync(at('out'));
  const argv = [
    'package',
    'create',
    '--mission',
    'line',
    '--from',
    at('line'),
    '--version',
    '1.0',
    '--output',
    at('out'),
  ];
  const main = join(import.meta.dirname, 'main.ts');
  const seen = Promise.withResolvers<void>();
  using watcher = Object.assign(
    watch(at('out'), () => seen.resolve()),
    { [Symbol.dispose]: () => watcher.close() },
  );
  const child = spawn(process.execPath, [main, ...argv, '--home', at('home')], { stdio: 'ignore' });
  await seen.promise;
  child.kill('SIGKILL');
  await once(child, 'exit');
  watcher.close();
  expect(readdirSync(at('out')).filter((name) => !name.endsWith('.partial'))).toEqual([]);
}, 30_000);
