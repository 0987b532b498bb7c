/** A fleet of eight real daemons in five roles, on machines that differ, and what its journey asks of it. */
import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeploymentRow, ModelRow } from '../src/api/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import type { DevNetwork, DevNode } from '../src/testkit/processes.ts';
import { sha256Of } from './journeys.ts';
import { look } from './look.ts';

interface Machine {
  readonly role: string;
  readonly flags: readonly string[];
}

/** `line-2` and `line-4` tell other processors, as emulated machines do; `line-4` is small, and stands where no production is. */
const MACHINES = {
  hq: { role: 'admin', flags: [] },
  studio: { role: 'publisher', flags: [] },
  gate: { role: 'gateway', flags: ['--region', 'plant-a'] },
  'line-1': { role: 'edge', flags: ['--region', 'plant-a', '--architecture', 'x86_64'] },
  'line-2': { role: 'edge', flags: ['--region', 'plant-a', '--architecture', 'aarch64'] },
  'line-3': { role: 'edge', flags: ['--region', 'plant-b', '--architecture', 'x86_64'] },
  'line-4': { role: 'edge', flags: ['--region', 'lab', '--architecture', 'armv7', '--memory', '128MiB'] },
  desk: { role: 'member', flags: [] },
} as const satisfies Record<string, Machine>;
export type MachineName = keyof typeof MACHINES;
export type Fleet = Readonly<Record<MachineName, DevNode>>;

/** All of them up, in one mesh, each in its role. */
export async function startFleet(network: DevNetwork): Promise<Fleet> {
  const entries = Object.entries(MACHINES) as [MachineName, Machine][];
  const fleet = Object.fromEntries(
    entries.map(([name, { flags }]) => [name, network.node(name, { flags })]),
  ) as unknown as Fleet;
  await Promise.all(network.nodes.map((node) => node.up()));
  await fleet.hq.json('mesh', 'init', '--name', 'fleet');
  for (const role of new Set(entries.map(([, machine]) => machine.role))) {
    if (role === 'admin') continue;
    const names = entries.filter(([, machine]) => machine.role === role).map(([name]) => name);
    const uses = String(names.length);
    const { code } = await fleet.hq.json<{ code: string }>('mesh', 'invite', '--role', role, '--uses', uses);
    await Promise.all(names.map((name) => fleet[name].json('join', code)));
  }
  return fleet;
}

export interface FleetModel {
  /** A file with a manifest beside it, as a publisher keeps them: the import takes both. */
  readonly file: string;
  readonly manifest: Readonly<Record<string, unknown>>;
}

/** Imports it at `node` in a folder of its own with its manifest, as a person has them. */
export async function importModel(node: DevNode, folder: string, { file, manifest }: FleetModel): Promise<ModelRow> {
  const own = join(folder, `${manifest.name}-${manifest.version}`.replaceAll('/', '-'));
  await mkdir(own, { recursive: true });
  await copyFile(file, join(own, 'model.onnx'));
  const facts = { format: 'onnx', size_bytes: (await stat(file)).size, checksum_sha256: await sha256Of(file) };
  await writeFile(join(own, 'model-manifest.yaml'), JSON.stringify({ ...manifest, ...facts }));
  return await node.json<ModelRow>('model', 'import', join(own, 'model.onnx'), '--name', String(manifest.name));
}

/** How the fleet is with one model, as `node` has heard. */
export async function deploymentsOf(node: DevNode, modelId: string): Promise<DeploymentRow[]> {
  return (await look(node, 'deployments', { query: { id: modelId } }))?.deployments ?? [];
}

/** Waits until `node` has heard that these machines say so of that version, and of all others nothing of the kind. */
export async function hears(
  node: DevNode,
  modelId: string,
  { version, status, on }: { readonly version: string; readonly status: string; readonly on: readonly MachineName[] },
): Promise<DeploymentRow[]> {
  const names = (rows: readonly DeploymentRow[]) =>
    rows.filter((row) => row.version === version && row.status === status).map((row) => row.node_name);
  return await eventually(
    () => deploymentsOf(node, modelId),
    (rows) => JSON.stringify(names(rows).sort()) === JSON.stringify([...on].sort()),
    40_000,
  );
}
