/**
 * The packages of this node. The database is the truth: which versions are installed, and how far an install is. What a crash leaves is
 * brought to its end, or undone, when a node opens (`recover`), before anybody is told of anything. Spec: docs/spec/21-packages.md §8.
 */

import type { PackageSource } from '../../atmo/index.ts';
import { type Emitter, messageOf } from '../../core/index.ts';
import { parsePackageId } from '../../protocol/index.ts';
import type { PackageJournalRow, PackageRow, PackageVersion } from '../../registry/index.ts';
import { eventQueue } from '../control/event-queue.ts';
import type { ConfigFolder } from './config-folder.ts';
import { PackageError } from './errors.ts';
import { ImportPackage } from './import-package.ts';
import type { ImportPorts } from './import-ports.ts';
import { InstallLine } from './install-line.ts';
import { InstallRun } from './install-run.ts';
import { PACKAGE_LIMITS } from './limits.ts';
import type { PackageFolders } from './package-folders.ts';
import type {
  HeldMember,
  InstallEvent,
  InstalledPackages,
  InstallOptions,
  ModelNeeds,
  RemovedPackage,
  RollbackOptions,
} from './ports.ts';
import { removePackage } from './remove-package.ts';
import { RollBackPackage } from './roll-back-package.ts';
import { afterRestart, type JournalStep } from './steps.ts';

export interface PackageShelfOptions extends ImportPorts {
  readonly folders: Pick<PackageFolders, 'folderOf' | 'removeScratch'>;
  readonly config: Pick<ConfigFolder, 'removeForgotten' | 'keptFolder'>;
  readonly changes: Emitter<void>;
}

export class PackageShelf implements InstalledPackages, ModelNeeds, AsyncDisposable {
  readonly changes: Emitter<void>;
  readonly #options: PackageShelfOptions;
  readonly #line = new InstallLine();
  readonly #closing = new AbortController();

  constructor(options: PackageShelfOptions) {
    this.#options = options;
    this.changes = options.changes;
  }

  list(): readonly PackageRow[] {
    return this.#options.rows.list();
  }

  underWay(): readonly PackageJournalRow[] {
    return this.#options.rows.journal.list();
  }

  get(id: string): PackageRow | undefined {
    return this.#options.rows.get(id);
  }

  folderOf(version: Pick<PackageVersion, 'id' | 'version'>): string {
    return this.#options.folders.folderOf(version);
  }

  async members(id: string, version?: string): Promise<readonly HeldMember[]> {
    const members: HeldMember[] = [];
    for (const member of this.versionOf(id, version).members) {
      const blob = await this.#options.store.stat(member.sha256);
      if (blob !== undefined) members.push({ ...member, absolutePath: blob.path });
    }
    return members;
  }

  /** The one in force unless `version` says otherwise. Throws PackageError `not_installed`. */
  versionOf(id: string, version?: string): PackageVersion {
    const row = this.get(id);
    const kept = row === undefined ? [] : [row.current, ...(row.previous === undefined ? [] : [row.previous])];
    const found = kept.find((one) => version === undefined || one.version === version);
    if (found !== undefined) return found;
    const have = kept.length === 0 ? 'it is not installed' : `${kept.map((one) => one.version).join(' and ')} are here`;
    throw new PackageError('not_installed', `Looking for the package ${id} ${version ?? ''}: ${have}`);
  }

  neededBy(model: Parameters<ModelNeeds['neededBy']>[0]): string[] {
    return this.list().flatMap(({ current }) => {
      const isNeeded = current.models.some(
        (one) => one.modelId === model.modelId && one.version === model.version && one.sha256 === model.sha256,
      );
      return isNeeded ? [`${current.id} ${current.version}`] : [];
    });
  }

  install(source: PackageSource, options: InstallOptions): AsyncIterable<InstallEvent> {
    return this.#events(options.signal, (emit, signal) =>
      new ImportPackage(this.#options, this.#line, { source, options: { ...options, signal }, emit }).run(),
    );
  }

  rollback(id: string, options: RollbackOptions = {}): AsyncIterable<InstallEvent> {
    return this.#events(undefined, (emit) =>
      new RollBackPackage(this.#options, this.#line, { id: parsePackageId(id), options, emit }).run(),
    );
  }

  async remove(id: string): Promise<RemovedPackage> {
    try {
      const versions = await removePackage(this.#options, this.#line, id);
      return { id, versions, configFolder: await this.#options.config.keptFolder(id) };
    } finally {
      this.changes.emit();
    }
  }

  /** For the opening, before anything is told or served. What cannot be brought to its end now stays for the next. */
  async recover(): Promise<void> {
    const { rows, folders, config, clock, logger } = this.#options;
    await folders.removeScratch();
    await config.removeForgotten(new Set(rows.journal.list().map(({ install }) => install)));
    for (const row of rows.journal.list()) {
      const isOld = row.step === 'stopped' && clock.nowMs() - row.updatedAtMs > PACKAGE_LIMITS.stoppedKeepMs;
      const step = isOld ? 'undo' : afterRestart(row.step as JournalStep, row.kind);
      if (step === undefined) continue;
      if (step !== row.step) rows.journal.put({ ...row, step, updatedAtMs: clock.nowMs() });
      const run = new InstallRun(this.#options, row.id).run();
      await run.catch((thrown: unknown) =>
        logger.error({ package: row.id, reason: messageOf(thrown) }, 'an install that was interrupted was not ended'),
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new PackageError('interrupted', 'Installing: the node is being shut down'));
    await this.#line.idle();
  }

  /** Runs to its end whether or not somebody reads; whoever stops reading stops an install that is not in force yet. */
  async *#events(
    signal: AbortSignal | undefined,
    act: (emit: (event: InstallEvent) => void, signal: AbortSignal) => Promise<void>,
  ): AsyncGenerator<InstallEvent> {
    const left = new AbortController();
    const both = AbortSignal.any([this.#closing.signal, left.signal, ...(signal === undefined ? [] : [signal])]);
    const queue = eventQueue<InstallEvent>(left.signal);
    const work = act((event) => queue.push(event), both).finally(() => {
      this.changes.emit();
      queue.end();
    });
    work.catch(() => {});
    try {
      yield* queue;
      await work;
    } finally {
      left.abort(new PackageError('interrupted', 'Installing: it was stopped'));
    }
  }
}
