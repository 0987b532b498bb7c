/** The next version of a model over 100 Mbit/s: whole, as a difference that has to be made, and as one that is kept. */
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ModelRow, PullEvent } from '../../src/api/index.ts';
import { eventually } from '../../src/testkit/eventually.ts';
import { DevNetwork, type DevNode } from '../../src/testkit/processes.ts';
import { CHANGES, tensorsFor, writeModel } from '../difference/made-files.ts';
import { type Bench, type Case, median, openLinks, type Row, say } from './bench-case.ts';
import { sentBytes } from './mesh-on-links.ts';

const MODEL = 'bench/model';
const FILE_BYTES = 200_000_000;
const LINK = { upMbits: 100, downMbits: 100, delayMs: 1 };
const VERSIONS = { '2.0': '1 % of elements by 1 ulp', '3.0': 'noise of 1e-5', '4.0': 'noise of 1e-4' } as const;

export const differencePull: Case = {
  about: 'the next version of a 200 MB bf16 model over 100 Mbit/s, 4 ms: × the whole file',
  async run(bench) {
    // Who has got a difference keeps it: each of the others gets it once.
    const names = Array.from({ length: bench.runs + 1 }, (_, index) => `puller${index}`);
    await using links = await openLinks(
      bench.folder,
      Object.fromEntries(['seeder', ...names].map((name) => [name, LINK])),
    );
    await using network = await DevNetwork.open(join(bench.folder, 'mesh'));
    const nodeOf = (name: string) => network.node(name, { within: links.machine(name).within });
    const seeder = nodeOf('seeder');
    const pullers = names.map(nodeOf);
    await openMesh(bench, seeder, pullers);
    const rows: Row[] = [];
    for (const [version, change] of Object.entries(VERSIONS))
      rows.push(...(await measure({ seeder, pullers, version, change })));
    return rows;
  },
};

async function openMesh(bench: Bench, seeder: DevNode, pullers: readonly DevNode[]): Promise<void> {
  const tensors = tensorsFor(bench.isQuick ? FILE_BYTES / 10 : FILE_BYTES);
  const fileOf = (version: string) => join(bench.folder, `model-${version}.safetensors`);
  await writeModel(fileOf('1.0'), tensors);
  for (const [version, change] of Object.entries(VERSIONS))
    await writeModel(fileOf(version), tensors, CHANGES[change]());
  await seeder.up();
  await seeder.json('mesh', 'init', '--name', 'bench');
  const { code } = await seeder.json<{ code: string }>('mesh', 'invite', '--uses', String(pullers.length));
  const give = (node: DevNode, version: string) =>
    node.json('model', 'import', fileOf(version), '--name', MODEL, '--version', version);
  for (const version of ['1.0', ...Object.keys(VERSIONS)]) await give(seeder, version);
  for (const puller of pullers) {
    await puller.up();
    await puller.json('join', code);
    await give(puller, '1.0');
    const list = () => puller.json<{ models: ModelRow[] }>('model', 'list', '--mesh');
    const isThere = ({ models }: { models: ModelRow[] }) =>
      Object.keys(VERSIONS).every((version) => models.some((row) => row.version === version));
    await eventually(list, isThere, 120_000);
  }
}

interface Measured {
  readonly seeder: DevNode;
  readonly pullers: readonly DevNode[];
  readonly version: string;
  readonly change: string;
}

async function measure({ seeder, pullers: [first, ...others], version, change }: Measured): Promise<Row[]> {
  if (first === undefined) throw new Error('nobody pulls');
  const timed = async (puller: DevNode, ...flags: readonly string[]) => {
    const before = await sentBytes(seeder);
    const { seconds, last } = await timePull(puller, version, flags);
    const sent = (await sentBytes(seeder)) - before;
    await puller.json('model', 'remove', `${MODEL}@${version}`);
    return { seconds, sent, isWhole: last.difference === undefined };
  };
  const made = await timed(first, '--difference');
  const [wholes, kept]: [Awaited<ReturnType<typeof timed>>[], Awaited<ReturnType<typeof timed>>[]] = [[], []];
  for (const other of others) {
    wholes.push(await timed(first, '--no-difference'));
    kept.push(await timed(other));
  }
  const secondsOf = (all: readonly { readonly seconds: number }[]) => median(all.map(({ seconds }) => seconds));
  if ([made, ...kept].some(({ isWhole }) => isWhole)) throw new Error(`${change}: it came whole`);
  const words = ({ seconds, sent }: (typeof kept)[number]) =>
    `${seconds.toFixed(2)} s, ${(sent / 1e6).toFixed(1)} MB sent`;
  const [whole, again] = [wholes[0] ?? made, kept[0] ?? made];
  say(`${change}: whole ${words(whole)}; made for it ${words(made)}; kept ${words(again)}`);
  const row = (how: string, one: typeof made, seconds: number): Row => ({
    ...{ what: `${change}, ${how}`, value: seconds / secondsOf(wholes), unit: '× whole' },
    note: `${words(one)}; whole ${words(whole)}`,
  });
  return [
    row('made for it', made, made.seconds),
    { ...row('kept', again, secondsOf(kept)), all: kept.map((one) => one.seconds) },
  ];
}

/** `model pull` from the command's start to its exit. */
async function timePull(puller: DevNode, version: string, flags: readonly string[]) {
  const startedMs = performance.now();
  const child = puller.spawn('model', 'pull', `${MODEL}@${version}`, '--json', ...flags);
  if (child.stdout === null) throw new Error('no stdout');
  const gone = once(child, 'close');
  let last: PullEvent | undefined;
  for await (const line of createInterface({ input: child.stdout })) last = JSON.parse(line) as PullEvent;
  await gone;
  if (last?.event !== 'completed') throw new Error(`the pull of ${version} ended with ${JSON.stringify(last)}`);
  return { seconds: (performance.now() - startedMs) / 1000, last };
}
