/** What the journeys share: meshes of real processes, and the rows that the command line prints. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ModelRow, PullEvent } from '../src/api/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import type { DevNetwork, DevNode, NodeOptions } from '../src/testkit/processes.ts';

/** Starts the nodes; the first makes a mesh and the others join it by code. */
export async function startMesh(
  network: DevNetwork,
  names: readonly string[],
  options: NodeOptions = {},
): Promise<DevNode[]> {
  const nodes = names.map((name) => network.node(name, options));
  await joinUp(nodes);
  return nodes;
}

/** The same with nodes that are made already. */
export async function joinUp(nodes: readonly DevNode[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.up()));
  const [first, ...others] = nodes;
  if (first === undefined || others.length === 0) return;
  await first.json('mesh', 'init', '--name', 'journey');
  const { code } = await first.json<{ code: string }>('mesh', 'invite', '--uses', String(others.length));
  await Promise.all(others.map((node) => node.json('join', code)));
}

export async function listModels(node: DevNode, ...flags: readonly string[]): Promise<ModelRow[]> {
  return (await node.json<{ models: ModelRow[] }>('model', 'list', ...flags)).models;
}

/** Waits until `node` sees `modelId` in the mesh, held by `holders` nodes or more. */
export function seesModel(node: DevNode, modelId: string, holders = 1): Promise<ModelRow | undefined> {
  const find = async () => (await listModels(node, '--mesh')).find((row) => row.model_id === modelId);
  return eventually(find, (row) => row !== undefined && row.nodes.length >= holders);
}

/** A pull by the command line: exit code, all events, and the last one. */
export async function pull(node: DevNode, ...args: readonly string[]) {
  const { code, events, stderr } = await node.events<PullEvent>('model', 'pull', ...args);
  const last = events.at(-1);
  if (last === undefined) throw new Error(`the pull printed nothing: ${stderr}`);
  return { code, events, last };
}

export async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
