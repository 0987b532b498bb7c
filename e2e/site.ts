/** A studio with the internet, and a site without it: a gateway, and two machines that reach nothing but the gateway. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AnswerOf, PackageEvent } from '../src/api/index.ts';
import { MB } from '../src/core/index.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { type Islands, openIslands } from './islands.ts';
import { listModels } from './journeys.ts';

export const PACKAGE = 'line-inspection';
const LARGE_BYTES = 12 * MB;

export interface Site extends AsyncDisposable {
  readonly network: DevNetwork;
  readonly islands: Islands;
  /** Its mesh is its own: nothing of the site reaches it. */
  readonly studio: DevNode;
  readonly studioMesh: string;
  readonly gateway: DevNode;
  /** Takes tier 1. */
  readonly press: DevNode;
  /** Takes tier 2. */
  readonly hall: DevNode;
  /** What is carried between the two. */
  readonly stick: string;
}

export async function openSite(): Promise<Site> {
  const stack = new AsyncDisposableStack();
  const islands = openIslands('gateway', ['press', 'hall']);
  stack.defer(() => islands.close());
  const network = await DevNetwork.open();
  stack.use(network);
  const place = (name: string, ...flags: readonly string[]) =>
    network.node(name, { within: islands.within(name), mdns: true, flags });
  const studio = network.node('studio');
  const gateway = place('gateway', '--advertise-packages');
  const [press, hall] = [place('press', '--tier', 'tier_1'), place('hall', '--tier', 'tier_2')];
  const stick = join(network.folder, 'stick');
  await Promise.all([mkdir(stick), ...[studio, gateway, press, hall].map((node) => node.up())]);
  const [{ mesh_id: studioMesh }] = await Promise.all([initMesh(studio), initMesh(gateway)]);
  const { code } = await gateway.json<{ code: string }>('mesh', 'invite', '--role', 'edge', '--uses', '2');
  await Promise.all([press, hall].map((node) => node.json('join', code)));
  const site = { network, islands, studio, studioMesh, gateway, press, hall, stick };
  return { ...site, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function initMesh(node: DevNode): Promise<{ mesh_id: string }> {
  return node.json('mesh', 'init', '--name', node.name);
}

export interface MissionFiles {
  readonly folder: string;
  readonly version: string;
  /** Of the large model: every so many bytes one is another than in the file before. */
  readonly changeEvery?: number;
}

/** A mission as people keep it: models, an agent, knowledge, configuration. */
export async function writeMission({ folder, version, changeEvery }: MissionFiles): Promise<void> {
  const put = async (path: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  };
  const large = join(folder, 'models/large.gguf');
  if (changeEvery === undefined) {
    await mkdir(dirname(large), { recursive: true });
    await writeGgufFile(join(folder, 'models/small.gguf'), { sizeBytes: 2 * MB, seed: 221 });
    await writeGgufFile(large, { sizeBytes: LARGE_BYTES, seed: 222 });
  } else await put('models/large.gguf', changed(await readFile(large), changeEvery));
  await put('agents/vision-1.2.yaml', `agent: vision\nversion: "${version}"\n`);
  await put('knowledge/defects.chunks.jsonl', `{"id":"crack","text":"of ${version}"}\n{"id":"burr"}\n`);
  await put('config/mission.yaml', `mission: ${PACKAGE}\nrate: ${version}\n`);
  await put(
    'mission.yaml',
    `mission: {id: ${PACKAGE}, created: "2026-02-02T12:00:00Z"}
models:
  - {name: acme/small@1.3.0, file: models/small.gguf}
  - {name: acme/large@${version}.0, file: models/large.gguf, tiers: [tier_2, tier_3]}
agents: [agents/vision-1.2.yaml]
knowledge: [knowledge/defects.chunks.jsonl]
config: [config/mission.yaml]
`,
  );
}

/** In the second half, so that headers stay. */
function changed(bytes: Buffer, every: number): Buffer {
  for (let at = bytes.length / 2; at < bytes.length; at += every) bytes[at] = ((bytes[at] ?? 0) + 1) & 0xff;
  return bytes;
}

/** A command that ends with an event: its exit code, all events, and the last. */
export async function follow(node: DevNode, ...args: readonly string[]) {
  const { code, events, stderr } = await node.events<PackageEvent>('package', ...args);
  const last = events.at(-1);
  if (last === undefined) throw new Error(`${args.join(' ')} printed nothing: ${stderr}`);
  return { code, events, last };
}

/** `id`, version and tier of what is installed. */
export async function installed(node: DevNode): Promise<string[]> {
  const { packages } = await node.json<AnswerOf<'packageList'>>('package', 'list');
  return packages.map(({ id, version, tier }) => `${id} ${version} ${tier}`);
}

/** `id@version` of the models that are here, or with `--mesh` anywhere, in order. */
export async function models(node: DevNode, ...flags: readonly string[]): Promise<string[]> {
  const rows = await listModels(node, ...flags);
  return rows.map(({ model_id, version }) => `${model_id}@${version}`).sort();
}
