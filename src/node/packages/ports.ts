/** What the rest of a node is offered of packages, and what installing asks of it. Spec: docs/spec/21-packages.md. */
import type { PackageSource } from '../../atmo/index.ts';
import type { Emitter, Sha256 } from '../../core/index.ts';
import type { PackageTier } from '../../protocol/index.ts';
import type { KeptMember, PackageJournalRow, PackageRow, PackageVersion } from '../../registry/index.ts';

export interface HeldMember extends KeptMember {
  /** Where its bytes lie in the store. */
  readonly absolutePath: string;
}

export interface InstallOptions {
  /** Instead of what this machine's hardware says. */
  readonly tier?: PackageTier | undefined;
  /** Keeps the members of every tier here, so that nodes of other tiers are fed from here. */
  readonly allTiers?: boolean | 'where_complete' | undefined;
  /** Takes an older version than the one installed; the audit log keeps the reason. */
  readonly downgrade?: { readonly reason: string } | undefined;
  /** The package in force is of another mesh, and the owner wants this one in its place. */
  readonly mayChangeMesh?: boolean | undefined;
  /** For the audit log and the custody: where it came from. */
  readonly from: { readonly way: 'file' | 'mesh' | 'lan'; readonly name: string };
  readonly signal?: AbortSignal | undefined;
}

export interface InstallStep {
  readonly on: 'step';
  readonly step: string;
  readonly id: string | undefined;
  readonly version: string | undefined;
}

/** Another tier than was asked for; another import that is waited for. */
export interface InstallNote {
  readonly on: 'note';
  readonly message: string;
}

export interface InstallProgress {
  readonly on: 'progress';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface InstalledResult {
  readonly on: 'installed';
  readonly id: string;
  readonly version: string;
  readonly manifestSha256: Sha256;
  readonly tier: string;
  readonly previousVersion: string | undefined;
  /** The same content is installed already: nothing was done. */
  readonly isUnchanged: boolean;
  /** Bytes read from the source, and members that were in the store already. */
  readonly readBytes: number;
  readonly heldMembers: number;
  readonly config: readonly ConfigChange[];
}

export interface ConfigChange {
  /** Beneath `config/<package id>/`. */
  readonly path: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** The operator's text that was there is beside it under this name. */
  readonly previous: string | undefined;
  /** A unified difference; empty for what is no text. */
  readonly diff: string;
}

export type InstallEvent = InstallStep | InstallNote | InstallProgress | InstalledResult;

/**
 * The packages of this node. One install of a package at a time; others wait in line. Throws PackageError (docs/errors.md); then the
 * node is as it was before.
 */
export interface InstalledPackages {
  /** A version is in force, or is not any more. */
  readonly changes: Emitter<void>;
  /** By id. */
  list(): readonly PackageRow[];
  /** Installs that are under way, that were stopped and wait for the next import, or that could not be brought to their end. */
  underWay(): readonly PackageJournalRow[];
  get(id: string): PackageRow | undefined;
  /** Its files in the store; `version` is the one in force unless given. Throws PackageError `not_installed`. */
  members(id: string, version?: string): Promise<readonly HeldMember[]>;
  /** Where the folder of a version is: `packages/<id>/<version>`. */
  folderOf(version: Pick<PackageVersion, 'id' | 'version'>): string;
  /** What is read of the source is closed by whoever opened it. */
  install(source: PackageSource, options: InstallOptions): AsyncIterable<InstallEvent>;
  /** To the version before; another `version` than that is refused. */
  rollback(id: string, options?: RollbackOptions): AsyncIterable<InstallEvent>;
  /** Every version of it, and what an import that was stopped left. Throws PackageError `not_installed`, `package_busy`, `remove_unfinished`. */
  remove(id: string): Promise<RemovedPackage>;
}

export interface RemovedPackage {
  readonly id: string;
  /** That were here: the one in force first. */
  readonly versions: readonly string[];
  /** Where the operator's configuration stays; undefined: there is none. */
  readonly configFolder: string | undefined;
}

export interface RollbackOptions {
  readonly version?: string | undefined;
  readonly reason?: string | undefined;
}

/** Why a model must stay: packages that need it. */
export interface ModelNeeds {
  neededBy(model: {
    readonly modelId: string;
    readonly version: string;
    readonly sha256?: string | undefined;
  }): string[];
}
