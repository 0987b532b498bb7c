/**
 * One run of whole daemons: a mesh of real processes on their own homes, one of them pulling, and kill -9 at the drawn shares of
 * the pull. One honest seeder is started again whenever it was killed, so nothing but the whole file will do.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { rotBlob } from '../demo/trouble.ts';
import { pull, seesModel, sha256Of, startMesh } from '../e2e/journeys.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { isAlive, type RunEnd } from './run-engine.ts';
import type { DaemonScenario } from './scenario.ts';

const MODEL = 'chaos/model';
const LOOK_MS = 2;
const PULLS = 4;

export async function runDaemons(scenario: DaemonScenario, folder: string): Promise<RunEnd> {
  const network = await DevNetwork.open(join(folder, 'mesh'));
  try {
    return await new DaemonRun(scenario, network, folder).run();
  } finally {
    await network.close({ keepFiles: true });
  }
}

class DaemonRun {
  readonly #scenario: DaemonScenario;
  readonly #network: DevNetwork;
  readonly #source: string;
  readonly #violations: string[] = [];
  #sha256 = '';
  #lives = 1;

  constructor(scenario: DaemonScenario, network: DevNetwork, folder: string) {
    this.#scenario = scenario;
    this.#network = network;
    this.#source = join(folder, 'model.gguf');
  }

  async run(): Promise<RunEnd> {
    const { seed, run, sizeBytes, kills } = this.#scenario;
    await writeGgufFile(this.#source, { sizeBytes, seed: `${seed}/${run}` });
    this.#sha256 = await sha256Of(this.#source);
    const { seeder, puller } = await this.#start();
    const beside = this.#pullBeside();
    beside.catch(() => {});
    for (const { who, atPercent } of kills) await this.#killAt(puller, who === 'puller' ? puller : seeder, atPercent);
    const end = await this.#pullToTheEnd(puller);
    await this.#verifyHome(puller, end === 'whole');
    await beside;
    await this.#stopAll();
    return { end, lives: this.#lives, violations: this.#violations, leftOut: [] };
  }

  async #start(): Promise<{ seeder: DevNode; puller: DevNode }> {
    const { seeders, rottenSeeder, isShared } = this.#scenario;
    const names = ['seeder', ...(seeders > 1 ? ['second'] : []), ...(isShared ? ['other'] : []), 'puller'];
    const nodes = await startMesh(this.#network, names);
    const [seeder, puller] = [nodes[0], nodes.at(-1)];
    if (seeder === undefined || puller === undefined) throw new Error('a mesh without nodes');
    await seeder.json('model', 'import', this.#source, '--name', MODEL);
    if (seeders > 1) {
      const second = this.#network.node('second');
      await seesModel(second, MODEL);
      await pull(second, MODEL);
      if (rottenSeeder) await rotBlob(second, this.#sha256);
    }
    await seesModel(puller, MODEL, seeders);
    if (isShared) await seesModel(this.#network.node('other'), MODEL, seeders);
    return { seeder, puller };
  }

  /** The other node's pull, which nobody harms; its sources are. */
  async #pullBeside(): Promise<void> {
    if (!this.#scenario.isShared) return;
    const other = this.#network.node('other');
    await this.#verifyHome(other, (await this.#pullToTheEnd(other)) === 'whole');
  }

  /** Pulls, kills when so much is on the disk, starts again who was killed. A pull that was quicker is over. */
  async #killAt(puller: DevNode, victim: DevNode, atPercent: number): Promise<void> {
    const part = join(puller.home, 'parts', this.#sha256, 'data');
    const pulling = puller.spawn('model', 'pull', MODEL, '--json');
    pulling.stdout?.resume();
    const wantedBytes = (this.#scenario.sizeBytes * atPercent) / 100;
    while (pulling.exitCode === null && (await bytesOnDisk(part)) < wantedBytes) await wait(LOOK_MS);
    await victim.kill();
    pulling.kill('SIGKILL');
    await victim.up();
    this.#lives += 1;
    await seesModel(puller, MODEL);
    await this.#verifyNoWrongName(puller);
  }

  async #pullToTheEnd(puller: DevNode): Promise<string> {
    let last = 'not_run';
    for (let attempt = 0; attempt < PULLS; attempt += 1) {
      const { code, last: event } = await pull(puller, MODEL);
      if (code === 0) return 'whole';
      last = event.code ?? 'unknown';
      await seesModel(puller, MODEL);
    }
    this.#violations.push(`ended with ${last} though the seeder is there`);
    return last;
  }

  async #verifyHome(puller: DevNode, isWhole: boolean): Promise<void> {
    await this.#verifyNoWrongName(puller);
    const parts = await readdir(join(puller.home, 'parts'));
    if (isWhole && parts.length > 0) this.#violations.push(`parts are left: ${parts.join(', ')}`);
    if (!isWhole) return;
    const { path } = await puller.json<{ path: string }>('model', 'path', MODEL);
    if ((await sha256Of(path)) !== this.#sha256) this.#violations.push('the model has its name and wrong bytes');
  }

  /** Whatever stands where a blob stands has its digest. */
  async #verifyNoWrongName(puller: DevNode): Promise<void> {
    const root = join(puller.home, 'blobs');
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries.filter((one) => one.isFile())) {
      const digest = await sha256Of(join(entry.parentPath, entry.name));
      if (digest !== entry.name) this.#violations.push(`the final name ${entry.name} holds wrong bytes`);
    }
  }

  async #stopAll(): Promise<void> {
    const pids = this.#network.nodes.map((node) => node.pid);
    const codes = await Promise.all(this.#network.nodes.map((node) => node.stop()));
    if (codes.some((code) => code !== 0))
      this.#violations.push(`daemons ended with ${codes.join(', ')} when asked to stop`);
    const alive = pids.filter(isAlive);
    if (alive.length > 0) this.#violations.push(`processes ${alive.join(', ')} are left`);
  }
}

async function bytesOnDisk(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? 0 : found.blocks * 512;
}
