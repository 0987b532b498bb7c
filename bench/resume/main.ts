/**
 * How long a pull of 100 GB takes to go on after kill -9: from the start of the daemon, and from its `ready`, to the first
 * piece that is new. `npm run bench -- resume [--size-gb 100] [--kills 5] [--record]`. See README.md.
 */
import { mkdtemp, readFile, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GB } from '../../src/core/index.ts';
import { eventually } from '../../src/testkit/eventually.ts';
import { writeGgufFile } from '../../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../../src/testkit/processes.ts';

const { values: flags } = parseArgs({
  options: {
    'size-gb': { type: 'string', default: '100' },
    kills: { type: 'string', default: '5' },
    /** Pieces verified between two kills. */
    step: { type: 'string', default: '60' },
    record: { type: 'boolean', default: false },
  },
});
const MODEL = 'bench/large';
/** docs/spec/06-store.md §3. */
const JOURNAL_HEADER_BYTES = 128;
const JOURNAL_ENTRY_BYTES = 16;

interface Round {
  readonly heldBeforeKill: number;
  readonly readySeconds: number;
  readonly firstPieceSeconds: number;
  readonly firstPieceAfterReadySeconds: number;
}

const folder = await mkdtemp(join(tmpdir(), 'atmosphere-bench-resume-'));
const loadBefore = loadavg()[0];
try {
  await assertRoom();
  const rounds = await measure();
  console.table(rounds);
  if (flags.record) {
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, loadBefore };
    const result = { machine, sizeGB: Number(flags['size-gb']), rounds };
    await writeFile(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** A pull is refused where its model has no room. */
async function assertRoom(): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const wantedBytes = (Number(flags['size-gb']) + 2) * GB;
  if (bavail * bsize >= wantedBytes) return;
  throw new Error(
    `${folder} has ${Math.floor((bavail * bsize) / GB)} GB free, ${wantedBytes / GB} are needed: set TMPDIR to a larger file system (a mounted sparse image will do), or give --size-gb`,
  );
}

async function measure(): Promise<Round[]> {
  await using network = await DevNetwork.open(join(folder, 'nodes'));
  const [seeder, puller] = [network.node('seeder'), network.node('puller')];
  await Promise.all([seeder.up(), puller.up()]);
  await seeder.json('mesh', 'init', '--name', 'bench');
  const { code } = await seeder.json<{ code: string }>('mesh', 'invite');
  await puller.json('join', code);
  const sha256 = await importSparse(seeder);
  await eventually(
    () => puller.run('model', 'info', MODEL, '--json'),
    ({ code: exit }) => exit === 0,
  );
  const journal = join(puller.home, 'parts', sha256, 'journal');
  await puller.json('model', 'pull', MODEL, '--detach');
  const rounds: Round[] = [];
  for (let kill = 1; kill <= Number(flags.kills); kill += 1) {
    await heldPieces(journal, kill * Number(flags.step));
    await puller.kill();
    rounds.push(await restart(puller, journal));
    console.log(`  ${kill}: ${JSON.stringify(rounds.at(-1))}`);
  }
  return rounds;
}

/** A file that takes no room: a model's header, and zeros up to the size. Hashing it takes minutes all the same. */
async function importSparse(seeder: DevNode): Promise<string> {
  const file = join(folder, 'large.gguf');
  await writeGgufFile(file, { sizeBytes: 1_000_000, seed: 1 });
  await truncate(file, Number(flags['size-gb']) * GB);
  console.log(`hashing ${flags['size-gb']} GB of a sparse file`);
  const child = seeder.spawn('model', 'import', file, '--name', MODEL, '--json');
  let text = '';
  for await (const chunk of child.stdout ?? []) text += chunk;
  const sha256 = /"sha256":"([0-9a-f]{64})"/.exec(text)?.[1];
  if (sha256 === undefined) throw new Error(`import: ${text.slice(-2000)}`);
  return sha256;
}

async function restart(puller: DevNode, journal: string): Promise<Round> {
  const heldBeforeKill = await countCommits(journal);
  const startedMs = performance.now();
  await puller.up();
  const readySeconds = secondsSince(startedMs);
  await heldPieces(journal, heldBeforeKill + 1);
  const firstPieceSeconds = secondsSince(startedMs);
  const firstPieceAfterReadySeconds = Math.max(0, Math.round((firstPieceSeconds - readySeconds) * 100) / 100);
  return { heldBeforeKill, readySeconds, firstPieceSeconds, firstPieceAfterReadySeconds };
}

async function heldPieces(journal: string, count: number): Promise<void> {
  while ((await countCommits(journal)) < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Commit entries; 0 while there is no journal. */
async function countCommits(journal: string): Promise<number> {
  const bytes = await readFile(journal).catch(() => Buffer.alloc(0));
  let commits = 0;
  for (let at = JOURNAL_HEADER_BYTES; at + JOURNAL_ENTRY_BYTES <= bytes.length; at += JOURNAL_ENTRY_BYTES)
    commits += bytes[at] === 1 ? 1 : 0;
  return commits;
}

function secondsSince(startedMs: number): number {
  return Math.round((performance.now() - startedMs) / 10) / 100;
}
