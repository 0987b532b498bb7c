/** What the steps of an install do to a node. Each call may be made again after a crash, and must then end alike. */
import type { PackagePapers, PackageSource } from '../../atmo/index.ts';
import type { PackageManifest } from '../../protocol/index.ts';
import type { PackageVersion } from '../../registry/index.ts';
import type { PackagedFiles } from './package-models.ts';
import type { ConfigChange, InstallOptions } from './ports.ts';

/** The bytes: blobs of the store, kept by the name of the version. */
export interface ContentPort {
  /** The store may delete what only this version kept; what was half stored goes. */
  release(version: PackageVersion): Promise<void>;
}

/** The library, and what the mesh is told of it. */
export interface ModelsPort {
  install(version: PackageVersion): Promise<void>;
  /** Of those that the version brought, what nobody needs any more. */
  drop(version: PackageVersion): Promise<void>;
}

/** `packages/<id>/`: folders of versions, and which is in force. */
export interface FoldersPort {
  place(version: PackageVersion): Promise<void>;
  setCurrent(id: string, version: string | undefined): Promise<void>;
  drop(version: Pick<PackageVersion, 'id' | 'version'>): Promise<void>;
}

/** `config/<id>/`: real files, the operator's edits among them. */
export interface ConfigPort {
  /** What the operator has edited of the version in force. Throws PackageError `config_unusable` where nothing can be placed. */
  look(target: PackageVersion, before: PackageVersion | undefined): Promise<PackageVersion['keptConfig']>;
  /** In one rename; the folder that was there stays aside until `settle`. */
  apply(change: ConfigStep): Promise<readonly ConfigChange[]>;
  /** The folder that was there is there again. */
  restore(change: Pick<ConfigStep, 'target' | 'install'>): Promise<void>;
  /** What lies aside goes. */
  settle(change: Pick<ConfigStep, 'target' | 'install'>): Promise<void>;
}

export interface ConfigStep {
  readonly install: string;
  readonly target: PackageVersion;
  readonly before: PackageVersion | undefined;
}

export interface AfterwardsPort {
  /** The mesh hears what is here now. */
  announce(): Promise<void>;
  /** The agents of all packages in force run, and no others. */
  startAgents(): Promise<void>;
}

export interface InstallPorts {
  readonly content: ContentPort;
  readonly models: ModelsPort;
  readonly folders: FoldersPort;
  readonly config: ConfigPort;
  readonly afterwards: AfterwardsPort;
}

/** What only a run that somebody ordered has: the package itself. */
export interface LiveInstall {
  /** Every byte of the target is in the store, verified. */
  store(): Promise<void>;
  /** Throws PackageError `unsafe_model`. */
  judge(): Promise<void>;
  onStep(step: string): void;
  onConfig(changes: readonly ConfigChange[]): void;
  /** Is what was stored worth keeping for another try? */
  isWorthKeeping(thrown: unknown): boolean;
}

/** Who vouches for a package. */
export interface SignedBy {
  readonly meshId: string;
  /** The mesh's authority, or a node that it certified. */
  readonly signer: string;
  /** Whose rights count for what the package brings: a node; undefined: this node's owner; any other text: nobody. */
  readonly author: string | undefined;
}

export interface PackageJudge {
  /** Of what the mesh offers. Throws what says why the package does not count here, or not in the place of the one in force. */
  verify(manifest: PackageManifest): SignedBy;
  /** The same, and all that can be seen without reading members (docs/spec/21-packages.md §10.1). */
  check(source: PackageSource, signal?: AbortSignal): Promise<SignedBy>;
}

export interface CustodyKeeper {
  /** The lines that came with the package, and this node's own behind them. */
  received(papers: PackagePapers, from: InstallOptions['from']): Buffer;
}

export interface ModelGate {
  /** Every reason against loading what lies in these files. */
  judge(model: PackagedFiles, author: string | undefined, signal: AbortSignal | undefined): Promise<readonly string[]>;
}
