/**
 * A node for tests of packages: registry, store, library and folders on a real disk, and packages that a test mesh signed. A process can be
 * ended at any write to the journal and any step of an install, before or after it has its effect; what it does later never happens.
 */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { appendCustody, openPackageSource, type PackageSource } from '../../atmo/index.ts';
import { type MeshId, silentLogger } from '../../core/index.ts';
import { type PackageContents, type PackageTier, sizeInMb } from '../../protocol/index.ts';
import { openRegistry, type Registry } from '../../registry/index.ts';
import { type BlobStore, openDiskBlobStore } from '../../store/index.ts';
import { makeTestMesh, type TestMesh } from '../../testkit/mesh-members.ts';
import { factsOfBytes, manifestOf, type PackageFiles } from '../../testkit/package-manifests.ts';
import { type PackedOptions, packPackage, writeFiles } from '../../testkit/packages.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { ModelLibrary } from '../library/model-library.ts';
import { assembleShelf } from './assemble-shelf.ts';
import type { PackageShelf } from './package-shelf.ts';
import { PackageTrustBook } from './package-trust.ts';
import type { InstallEvent, InstalledResult, InstallOptions, RemovedPackage } from './ports.ts';
import { failWhereTold, Life } from './process-life.fixture.ts';

export const LINE = 'line-inspection';

/** What a package of the tests holds, by version: its model and configuration change, its tool does not. */
export function lineFiles(version: string): Record<string, string> {
  return {
    'config/mission.yaml': `mission: line\nversion: "${version}"\nrate: 5\n`,
    'models/defects.onnx': `weights of ${version} `.repeat(40),
    'agents/vision.yaml': `agent: vision ${version}\n`,
    'tools/core.yaml': 'tools: []\n',
  };
}

export function linePackage(version: string, changes: PackageFiles = {}, tiered: PackageFiles = {}): PackedOptions {
  const files: PackageFiles = { ...lineFiles(version), ...changes };
  const of = (section: string) => Object.keys(files).filter((path) => path.startsWith(`${section}/`));
  const fact = (path: string) => ({ path, ...factsOfBytes(files[path] ?? '') });
  const onlyLarge = Object.entries(tiered).map(([path, content]) => ({
    ...{ path, ...factsOfBytes(content), id: path.split('/').at(-1) ?? '', version, tiers: ['tier_3' as const] },
  }));
  const contents = {
    config: of('config').map(fact),
    models: of('models').map((path) => ({
      ...{ ...fact(path), id: `acme/${path.slice('models/'.length, -'.onnx'.length)}`, version },
      ...{ size_mb: sizeInMb(fact(path).size_bytes), entry: { type: 'classifier', format: 'onnx' } },
    })),
    agents: of('agents').map((path) => ({ ...fact(path), id: path.slice('agents/'.length, -'.yaml'.length), version })),
    tools: [...of('tools').map((path) => ({ ...fact(path), id: path, version: '1' })), ...onlyLarge],
  } as unknown as PackageContents;
  return { sample: { manifest: manifestOf(contents, { id: LINE, version }), files: { ...files, ...tiered } } };
}

export class PackageBench implements AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  readonly mesh: TestMesh;
  readonly clock = new VirtualClock();
  readonly audited: Record<string, unknown>[] = [];
  /** What the gate says of models, by id. */
  readonly unsafe = new Set<string>();
  freeBytes = 1e9;
  /** Of the machine. */
  tier: PackageTier = 'tier_2';
  /** What the store takes, for processes started from now on. */
  quotaBytes: number | undefined;
  /** Calls of ports, as `models.install`, that fail when they are for that version. */
  readonly failing = new Map<string, string>();
  agentsStarted: string[] = [];
  readonly #opened: PackageSource[] = [];

  constructor({ meshName = 'packages', parent = tmpdir() } = {}) {
    this.folder = realpathSync(mkdtempSync(join(parent, 'packages-')));
    this.home = join(this.folder, 'home');
    this.mesh = makeTestMesh(meshName, this.clock.nowMs());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeSources();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A package in a folder, opened. */
  async pack(options: PackedOptions): Promise<PackageSource> {
    const { files } = packPackage({ mesh: this.mesh, ...options });
    return await this.open(files);
  }

  async open(files: Readonly<Record<string, Uint8Array>>): Promise<PackageSource> {
    const folder = mkdtempSync(join(this.folder, 'stick-'));
    const source = await openPackageSource(await writeFiles(folder, files));
    this.#opened.push(source);
    return source;
  }

  /** Of a process that has ended, too: it would have let go of them. */
  async closeSources(): Promise<void> {
    for (const source of this.#opened.splice(0)) await source[Symbol.asyncDispose]();
  }

  /** A process over what is on the disk. `endAt`: it ends at this moment of its life, counted from 0. */
  async start(endAt = Number.POSITIVE_INFINITY): Promise<PackageProcess> {
    return await PackageProcess.start(this, endAt);
  }

  /** What people see of packages on the disk, and what the database says; not what is only stored. */
  async state() {
    const process = await this.start();
    const { registry } = process;
    const rows = registry.packages.list().map(({ current, previous }) => ({
      ...{ current: current.version, previous: previous?.version, tier: current.tier },
      models: current.models.map(({ modelId, version }) => `${modelId}@${version}`),
    }));
    const models = process.library.list().map((row) => `${row.modelId}@${row.version} ${row.state}`);
    const journal = registry.packages.journal.list().map(({ step }) => step);
    await process.end();
    const folders = { packages: tree(join(this.home, 'packages')), config: tree(join(this.home, 'config')) };
    return { rows, models, ...folders, modelFiles: tree(join(this.home, 'models', 'files')), journal };
  }
}

/** Paths and texts; links by where they lead. Custody differs by the time. */
export function tree(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const at = join(path, entry.name);
      if (entry.isDirectory()) walk(at);
      else if (entry.isSymbolicLink()) found[relative(folder, at)] = `-> ${readlinkSync(at)}`;
      else found[relative(folder, at)] = entry.name === 'custody.jsonl' ? 'custody' : readFileSync(at, 'utf8');
    }
  };
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) walk(folder);
  return Object.fromEntries(Object.entries(found).sort());
}

export class PackageProcess {
  readonly registry: Registry;
  readonly store: BlobStore;
  readonly library: ModelLibrary;
  readonly shelf: PackageShelf;
  readonly trust: PackageTrustBook;
  /** The process ended at its moment. */
  readonly ended: Promise<void>;

  private constructor(parts: Omit<PackageProcess, 'import' | 'rollback' | 'remove' | 'end'>) {
    ({ registry: this.registry, store: this.store, library: this.library } = parts);
    ({ shelf: this.shelf, trust: this.trust, ended: this.ended } = parts);
  }

  static async start(bench: PackageBench, endAt: number): Promise<PackageProcess> {
    const { home, clock, mesh } = bench;
    const registry = openRegistry(join(home, 'db', 'registry.sqlite'));
    const { hashCache, pieceLists } = registry;
    const store = await openDiskBlobStore({ folder: home, index: registry.blobIndex, quotaBytes: bench.quotaBytes });
    const library = new ModelLibrary({ registry, hashCache, store, home, clock, logger: silentLogger });
    const own = mesh.member('node', { role: 'gateway' });
    const trust = new PackageTrustBook({
      mesh: { meshId: mesh.authority.id as MeshId, isRevoked: () => false },
      ...{ access: { current: undefined }, trusted: registry.packages.trust, rows: registry.packages, clock },
    });
    const life = new Life(endAt);
    const shelf = assembleShelf({
      ...{ home, store, library, pieceLists, clock, logger: silentLogger, judge: trust, tier: () => bench.tier },
      rows: life.wrapRows(registry.packages),
      wrap: (ports) => life.wrapPorts(failWhereTold(ports, bench.failing)),
      custody: {
        received: ({ manifest, custody }) => {
          const { nodeId, nodeKey } = own;
          const signer = { id: nodeId, privateKey: nodeKey };
          const line = {
            action: 'imported',
            manifest,
            by: { nodeId, name: 'node' },
            signer,
            nowMs: clock.nowMs(),
          } as const;
          return Buffer.from(appendCustody(custody?.bytes.toString() ?? '', line));
        },
      },
      gate: { judge: async ({ entry }) => (bench.unsafe.has(entry.model_id) ? ['it imports os.system'] : []) },
      audit: {
        insist: (event, facts) => void bench.audited.push({ event, ...facts }),
        note: (event, facts) => void bench.audited.push({ event, ...facts }),
      },
      freeBytes: async () => bench.freeBytes,
      keepManifest: () => {},
      isWanted: () => false,
      startAgents: async () => {
        bench.agentsStarted = registry.packages
          .list()
          .flatMap(({ current }) => current.agents.map(({ version }) => version));
      },
    });
    await shelf.recover();
    return new PackageProcess({ registry, store, library, shelf, trust, ended: life.ended });
  }

  async import(source: PackageSource, options: Partial<InstallOptions> = {}): Promise<InstalledResult> {
    const from = { way: 'file', name: source.name } as const;
    return lastOf(await all(this.shelf.install(source, { from, ...options })));
  }

  async rollback(id = LINE): Promise<InstalledResult> {
    return lastOf(await all(this.shelf.rollback(id)));
  }

  remove(id = LINE): Promise<RemovedPackage> {
    return this.shelf.remove(id);
  }

  async end(): Promise<void> {
    await this.store.close();
    this.registry.close();
  }
}

async function all(events: AsyncIterable<InstallEvent>): Promise<InstallEvent[]> {
  const seen: InstallEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

function lastOf(events: readonly InstallEvent[]): InstalledResult {
  const last = events.at(-1);
  if (last?.on !== 'installed') throw new Error('it ended without a result');
  return last;
}
