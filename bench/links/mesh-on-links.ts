/**
 * Real daemons on machines of a link network, in one mesh: some have adopted the model's file, the others pull it.
 */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelRow } from '../../src/api/index.ts';
import { eventually } from '../../src/testkit/eventually.ts';
import type { LinkedMachine } from '../../src/testkit/links/link-network.ts';
import { DevNetwork, type DevNode } from '../../src/testkit/processes.ts';

const MODEL = 'bench/model';

export type Machines = ReadonlyMap<string, LinkedMachine>;

export interface MeshOptions {
  readonly folder: string;
  readonly machines: Machines;
  /** Those who have adopted the file. */
  readonly seeders: readonly string[];
  readonly pullers: readonly string[];
  readonly file: string;
}

export class MeshOnLinks implements AsyncDisposable {
  readonly #network: DevNetwork;

  private constructor(network: DevNetwork) {
    this.#network = network;
  }

  static async open(options: MeshOptions): Promise<MeshOnLinks> {
    const mesh = new MeshOnLinks(await DevNetwork.open(join(options.folder, 'mesh')));
    try {
      await mesh.#start(options);
      return mesh;
    } catch (thrown) {
      await mesh[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  node(name: string): DevNode {
    return this.#network.node(name);
  }

  /** Undoes the pulls before. */
  async forget(...pullers: readonly string[]): Promise<void> {
    for (const name of pullers) await this.node(name).run('model', 'remove', MODEL);
  }

  /** Waits until a node knows of so many who have the model. */
  async sees(name: string, holders: number): Promise<void> {
    const list = () => this.node(name).json<{ models: ModelRow[] }>('model', 'list', '--mesh');
    const isRight = ({ models }: { models: ModelRow[] }) =>
      models.some((row) => row.model_id === MODEL && row.nodes.length === holders);
    await eventually(list, isRight, 180_000);
  }

  /** `model pull` from the command's start to its exit. Returns seconds. */
  async timePull(name: string, from?: string): Promise<number> {
    const startedMs = performance.now();
    const child = this.node(name).spawn(
      'model',
      'pull',
      MODEL,
      '--quiet',
      ...(from === undefined ? [] : ['--from', from]),
    );
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.stdout?.resume();
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0)
      throw new Error(`the pull of ${name} ended with ${code}: ${said}\n${this.node(name).log.slice(-4000)}`);
    return (performance.now() - startedMs) / 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network.close();
  }

  async #start({ machines, seeders, pullers, file }: MeshOptions): Promise<void> {
    const names = [...seeders, ...pullers];
    for (const name of names) this.#network.node(name, { within: machines.get(name)?.within ?? [] });
    const [first = '', ...others] = names;
    await inGroups(names, (name) => this.node(name).up());
    await this.node(first).json('mesh', 'init', '--name', 'bench');
    const { code } = await this.node(first).json<{ code: string }>('mesh', 'invite', '--uses', String(names.length));
    await inGroups(others, (name) => this.node(name).json('join', code));
    await inGroups(seeders, (name) => this.node(name).json('model', 'import', file, '--name', MODEL));
    await inGroups(pullers, (name) => this.sees(name, seeders.length));
  }
}

/** Sixteen daemons that start at once would only wait for each other. */
async function inGroups(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < names.length; at += 2) await Promise.all(names.slice(at, at + 2).map(work));
}

/** Bytes that a machine has sent, headers and all. */
export async function sentBytes(node: DevNode): Promise<number> {
  const counters = await readFile(`/proc/${node.pid}/net/dev`, 'utf8');
  const fields = /eth0:\s*(.*)/.exec(counters)?.[1]?.split(/\s+/) ?? [];
  return Number(fields[8]);
}
