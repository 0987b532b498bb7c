/** Packages of many gigabytes, made, checked and installed by the built program, beside cp and sha256sum of the same bytes. See README.md. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, open, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeGgufFile } from '../../src/testkit/model-files.ts';
import { type Run, run } from '../difference/measure.ts';
import { openDaemon } from './daemon.ts';

const { values } = parseArgs({
  options: {
    gib: { type: 'string', default: '20' },
    'sparse-gib': { type: 'string', default: '50' },
    folder: { type: 'string', default: tmpdir() },
    record: { type: 'boolean', default: false },
  },
});

const GIB = 2 ** 30;
const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');
const sizeBytes = Math.round(Number(values.gib) * GIB);
const sparseBytes = Math.round(Number(values['sparse-gib']) * GIB);
/** What tier 1 takes. */
const smallBytes = Math.round(sizeBytes / 20);
const round = (value: number, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits;

const MISSION = `models:
  - {name: bench/small@1.0, file: models/small-1.0.gguf, tiers: [1, 2, 3]}
  - {name: bench/large@1.0, file: models/large-1.0.gguf, tiers: [2, 3]}
`;

interface Row {
  readonly what: string;
  readonly seconds: number;
  readonly mbPerSecond?: number;
  /** Of cp and sha256sum, in this run. */
  readonly timesReference?: number;
  readonly memoryMB?: number;
  readonly [more: string]: string | number | undefined;
}

const rows: Row[] = [];

function tell(row: Row): void {
  rows.push(row);
  console.log(JSON.stringify(row));
}

async function makeMission(folder: string, sizes: Readonly<Record<string, number>>, isSparse: boolean): Promise<void> {
  await mkdir(join(folder, 'models'), { recursive: true });
  await mkdir(join(folder, 'agents'));
  await writeFile(join(folder, 'agents/vision-1.0.yaml'), 'id: vision\n');
  for (const [name, size] of Object.entries(sizes)) {
    const path = join(folder, 'models', name);
    if (isSparse) await truncateNew(path, size);
    else await writeGgufFile(path, { sizeBytes: size, seed: name, name });
  }
}

async function truncateNew(path: string, size: number): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(size);
}

/** The bytes before it are on the disk: nobody pays for another’s. */
async function timed(what: () => Promise<Run>): Promise<Run> {
  execFileSync('sync');
  return await what();
}

const rate = (bytes: number, seconds: number) => round(bytes / 1e6 / seconds);

async function reference(files: string, copy: string): Promise<number> {
  const copied = await timed(() => run('cp', '-r', files, copy));
  const hashed = await run('sh', '-c', `find '${copy}' -type f | xargs sha256sum`);
  await rm(copy, { recursive: true });
  const seconds = copied.seconds + hashed.seconds;
  tell({
    ...{ what: 'cp, then sha256sum', seconds: round(seconds, 1), mbPerSecond: rate(sizeBytes, seconds) },
    ...{ cpSeconds: round(copied.seconds, 1), sha256sumSeconds: round(hashed.seconds, 1) },
  });
  return seconds;
}

async function measured(what: string, against: number, args: readonly string[]): Promise<Run> {
  const done = await timed(() => run(process.execPath, PROGRAM, ...args, '--json'));
  tell({
    ...{ what, seconds: round(done.seconds, 1), mbPerSecond: rate(sizeBytes, done.seconds) },
    ...{ timesReference: round(against / done.seconds, 2), memoryMB: done.memoryMB },
  });
  return done;
}

/** Through a daemon with the keys of `like`: what it installed is timed by its client, what it read is the kernel’s count. */
async function imported(
  what: string,
  against: number | undefined,
  { home, like, tiny, file, tier }: ImportOrder,
): Promise<void> {
  await mkdir(home, { mode: 0o700 });
  for (const name of ['node.key', 'authority.key', 'mesh.json']) await cp(join(like, name), join(home, name));
  await using daemon = await openDaemon(PROGRAM, home);
  const started = daemon.readBytes();
  await run(process.execPath, PROGRAM, 'package', 'import', tiny, '--home', home, '--json');
  const before = daemon.readBytes();
  const args = ['package', 'import', file, '--tier', tier, '--home', home, '--json'];
  const { seconds } = await timed(() => run(process.execPath, PROGRAM, ...args));
  const readBytes = daemon.readBytes() - before;
  const wanted = tier === 'tier_1' ? smallBytes : sizeBytes;
  tell({
    ...{ what, seconds: round(seconds, 1), mbPerSecond: rate(wanted, seconds), memoryMB: daemon.memoryMB() },
    ...(against === undefined ? {} : { timesReference: round(against / seconds, 2) }),
    ...{ readBytes, ownBytes: wanted, readPercent: round((100 * readBytes) / wanted, 2) },
    firstImportBytes: before - started,
  });
}

interface ImportOrder {
  readonly home: string;
  readonly like: string;
  /** A package of a few bytes, imported before: with it the daemon reads the parts of its own program that an import needs. */
  readonly tiny: string;
  readonly file: string;
  readonly tier: 'tier_1' | 'tier_3';
}

async function wholePackage(folder: string, home: string): Promise<void> {
  const mission = join(folder, 'bench');
  const sizes = { 'small-1.0.gguf': smallBytes, 'large-1.0.gguf': sizeBytes - smallBytes };
  await makeMission(mission, sizes, false);
  await writeFile(join(mission, 'mission.yaml'), MISSION);
  const against = await reference(mission, join(folder, 'copy'));
  const create = ['package', 'create', '--mission', 'bench', '--from', mission, '--version', '1.0', '--output', folder];
  await measured('create', against, [...create, '--home', home]);
  await rm(mission, { recursive: true });
  const file = join(folder, 'bench-v1.0.atmo');
  const tiny = await tinyPackage(folder, home);
  await measured('verify', against, ['package', 'verify', file, '--home', home]);
  await imported('import', against, { home: join(folder, 'all'), like: home, tiny, file, tier: 'tier_3' });
  await rm(join(folder, 'all'), { recursive: true });
  const tier1 = { home: join(folder, 'tier1'), like: home, tiny, file, tier: 'tier_1' } as const;
  await imported('import of tier 1', undefined, tier1);
  await rm(file);
}

async function tinyPackage(folder: string, home: string): Promise<string> {
  const mission = join(folder, 'tiny');
  await makeMission(mission, { 'tiny-1.0.gguf': 1_000_000 }, false);
  const create = ['package', 'create', '--mission', 'tiny', '--from', mission, '--version', '1.0', '--output', folder];
  await run(process.execPath, PROGRAM, ...create, '--home', home, '--json');
  return join(folder, 'tiny-v1.0.atmo');
}

/** A real package whose zeros take no room once it is made. */
async function largePackage(folder: string, home: string): Promise<void> {
  const mission = join(folder, 'sparse');
  await makeMission(mission, { 'zeros-1.0.weights': sparseBytes }, true);
  const create = [
    'package',
    'create',
    '--mission',
    'sparse',
    '--from',
    mission,
    '--version',
    '1.0',
    '--output',
    folder,
  ];
  await run(process.execPath, PROGRAM, ...create, '--home', home, '--json');
  const file = join(folder, 'sparse-v1.0.atmo');
  execFileSync('fallocate', ['--dig-holes', file]);
  for (const [what, args] of [
    ['inspect', ['package', 'inspect', file]],
    ['verify --quick', ['package', 'verify', file, '--quick']],
  ] as const) {
    const runs: Run[] = [];
    for (let turn = 0; turn < 3; turn += 1)
      runs.push(await run(process.execPath, PROGRAM, ...args, '--home', home, '--json'));
    const [best, middle] = runs.map(({ seconds }) => seconds).sort((a, b) => a - b);
    const packageGiB = round((await stat(file)).size / GIB, 1);
    tell({
      what,
      packageGiB,
      seconds: round(middle ?? 0, 2),
      bestSeconds: round(best ?? 0, 2),
      memoryMB: runs[1]?.memoryMB ?? 0,
    });
  }
}

async function assertRoom(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = Math.max(2.2 * sizeBytes, 1.05 * sparseBytes);
  if (bavail * bsize < needed) throw new Error(`${folder} has not the ${round(needed / GIB)} GiB that this takes`);
}

if (!existsSync(PROGRAM)) throw new Error('Build first: npm run setup');
await assertRoom(values.folder);
const loadBefore = loadavg()[0];
const folder = await mkdtemp(join(values.folder, 'bench-package-'));
try {
  const home = join(folder, 'home');
  // A first start makes the keys.
  await using _made = await openDaemon(PROGRAM, home);
  await _made.stop();
  if (sizeBytes > 0) await wholePackage(folder, home);
  if (sparseBytes > 0) await largePackage(folder, home);
} finally {
  await rm(folder, { recursive: true, force: true });
}
if (values.record) {
  const memory = /MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  const machine = {
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model}`,
    memoryGB: round(Number(memory) / 1e6),
    loadBefore,
  };
  const result = { date: new Date().toISOString().slice(0, 10), ...machine, gib: sizeBytes / GIB, rows };
  await writeFile(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
}
