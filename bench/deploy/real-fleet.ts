/** Eight real daemons on one machine, and how long a model takes to be loaded on them. All clocks are this machine's. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditRow, DeploymentRow, OrderEvent } from '../../src/api/index.ts';
import { eventually } from '../../src/testkit/eventually.ts';
import { DevNetwork, type DevNode } from '../../src/testkit/processes.ts';

/** Pushed, and never by itself on a machine. */
export const PUSHED = 'bench/pushed';
/** Meant for the role. */
export const ORGANIC = 'bench/organic';
const PATIENCE_MS = 120_000;

export interface ModelFile {
  readonly path: string;
  readonly version: string;
}

export class RealFleet implements AsyncDisposable {
  readonly #network: DevNetwork;
  readonly #admin: DevNode;
  readonly #edges: readonly DevNode[];

  private constructor(network: DevNetwork, admin: DevNode, edges: readonly DevNode[]) {
    this.#network = network;
    this.#admin = admin;
    this.#edges = edges;
  }

  /** `size` edges and an admin, in one mesh, with nothing deployed. */
  static async open(folder: string, size: number): Promise<RealFleet> {
    const network = await DevNetwork.open(folder);
    const admin = network.node('admin');
    const edges = Array.from({ length: size }, (_, index) => network.node(`edge-${index + 1}`));
    await Promise.all(network.nodes.map((node) => node.up()));
    await admin.json('mesh', 'init', '--name', 'bench');
    const fleet = new RealFleet(network, admin, edges);
    const code = await fleet.#invite(size);
    await Promise.all(edges.map((edge) => edge.json('join', code)));
    return fleet;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#network.close();
  }

  async import(name: string, { path, version }: ModelFile): Promise<void> {
    const folder = join(this.#network.folder, `${name.replace('/', '-')}-${version}`);
    await mkdir(folder, { recursive: true });
    await copyFile(path, join(folder, 'model.onnx'));
    const roles = name === ORGANIC ? ['edge'] : [];
    const bytes = await readFile(path);
    const facts = { size_bytes: bytes.length, checksum_sha256: createHash('sha256').update(bytes).digest('hex') };
    const manifest = { name, version, type: 'anomaly_detector', format: 'onnx', ...facts, deployment: { roles } };
    await writeFile(join(folder, 'model-manifest.yaml'), JSON.stringify(manifest));
    await this.#admin.json('model', 'import', join(folder, 'model.onnx'), '--name', name);
  }

  /** Until all of the fleet have it loaded. */
  async settled(name: string, version: string): Promise<void> {
    await this.#loaded(name, version, this.#edges.length);
  }

  /** From the start of `atmosphere model push` until the last node has it loaded. */
  async pushSeconds(version: string): Promise<number> {
    const startedAtMs = Date.now();
    const { code, stderr } = await this.#admin.events<OrderEvent>(
      'model',
      'push',
      `${PUSHED}@${version}`,
      '--role',
      'edge',
    );
    if (code !== 0) throw new Error(`the push ended with ${code}: ${stderr}`);
    const rows = await this.#loaded(PUSHED, version, this.#edges.length);
    return (Math.max(...rows.map(loadedAtMs)) - startedAtMs) / 1000;
  }

  /** From the start of `atmosphere join` on a new machine until the model that its role calls for is loaded there. */
  async joinSeconds(machine: string, version: string): Promise<number> {
    const node = this.#network.node(machine);
    await node.up();
    const code = await this.#invite(1);
    const startedAtMs = Date.now();
    await node.json('join', code);
    const rows = await this.#loaded(ORGANIC, version, 1, machine);
    // Out again, so that nothing later waits for it.
    await this.#admin.json('mesh', 'revoke', machine);
    await node.stop();
    return (Math.max(...rows.map(loadedAtMs)) - startedAtMs) / 1000;
  }

  /** A version that does not answer is pushed: the longest that a node took from that until the one before had answered again. */
  async rollBackSeconds(version: string): Promise<number> {
    await this.#admin.events<OrderEvent>('model', 'push', `${PUSHED}@${version}`, '--role', 'edge');
    const tookMs = this.#edges.map(async (edge) => {
      const flags = ['--event', 'rollback', '--limit', '1'];
      const ask = async () => (await edge.json<{ entries: AuditRow[] }>('audit', ...flags)).entries[0];
      const entry = await eventually(ask, (found) => found?.facts.version === version, PATIENCE_MS);
      return Number(entry?.facts.took_ms);
    });
    return Math.max(...(await Promise.all(tookMs))) / 1000;
  }

  async #invite(uses: number): Promise<string> {
    const flags = ['--role', 'edge', '--uses', String(uses)];
    return (await this.#admin.json<{ code: string }>('mesh', 'invite', ...flags)).code;
  }

  async #loaded(model: string, version: string, count: number, machine?: string): Promise<DeploymentRow[]> {
    const ask = async () => {
      const { deployments } = await this.#admin.json<{ deployments: DeploymentRow[] }>('model', 'status', model);
      const ofVersion = deployments.filter((row) => row.version === version && row.status === 'Loaded');
      return ofVersion.filter((row) => machine === undefined || row.node_name === machine);
    };
    return await eventually(ask, (rows) => rows.length >= count, PATIENCE_MS);
  }
}

function loadedAtMs(row: DeploymentRow): number {
  return Date.parse(row.loaded_at ?? '');
}
