/** The version before comes back, by the steps of an install; no network and no medium is asked. Spec: docs/spec/21-packages.md §8. */
import { messageOf } from '../../core/index.ts';
import type { PackageRow, PackageVersion } from '../../registry/index.ts';
import { PackageError } from './errors.ts';
import type { ImportPorts } from './import-ports.ts';
import type { InstallLine } from './install-line.ts';
import type { LiveInstall } from './install-ports.ts';
import { InstallRun } from './install-run.ts';
import { judgeModels } from './judge-models.ts';
import { modelsOfTier } from './package-models.ts';
import type { ConfigChange, InstallEvent, RollbackOptions } from './ports.ts';

export interface RollbackOrder {
  readonly id: string;
  readonly options: RollbackOptions;
  readonly emit: (event: InstallEvent) => void;
}

export class RollBackPackage {
  readonly #deps: ImportPorts;
  readonly #line: InstallLine;
  readonly #order: RollbackOrder;

  constructor(deps: ImportPorts, line: InstallLine, order: RollbackOrder) {
    this.#deps = deps;
    this.#line = line;
    this.#order = order;
  }

  async run(): Promise<void> {
    const { id } = this.#order;
    try {
      await this.#line.ifFree(id, () => this.#inTurn());
    } catch (thrown) {
      this.#deps.audit.note('refusal', { what: 'package rollback', package: id, reason: messageOf(thrown) });
      throw thrown;
    }
  }

  async #inTurn(): Promise<void> {
    const { rows, audit } = this.#deps;
    const { id, options, emit } = this.#order;
    await this.#endEarlier();
    const row = rows.get(id);
    const target = this.#target(row);
    await this.#verifyHere(target);
    const { version, manifestSha256, tier } = target;
    const from = row?.current.version;
    const reason = options.reason === undefined ? {} : { reason: options.reason };
    audit.insist('rollback', { what: 'package', package: id, version, installed_version: from ?? null, ...reason });
    const config: ConfigChange[] = [];
    this.#begin(target, row);
    await new InstallRun(this.#deps, id, this.#live(target, config)).run();
    const result = { on: 'installed', id, version, manifestSha256, tier, config } as const;
    const nothing = { isUnchanged: false, readBytes: 0, heldMembers: target.members.length };
    emit({ ...result, ...nothing, previousVersion: from });
  }

  async #endEarlier(): Promise<void> {
    const { rows, clock } = this.#deps;
    const row = rows.journal.get(this.#order.id);
    if (row === undefined) return;
    if (row.step === 'stopped') rows.journal.put({ ...row, step: 'undo', updatedAtMs: clock.nowMs() });
    await new InstallRun(this.#deps, row.id).run();
  }

  #target(row: PackageRow | undefined): PackageVersion {
    const { id, options } = this.#order;
    if (row === undefined) throw new PackageError('not_installed', `Rolling back ${id}: it is not installed`);
    const { current, previous } = row;
    if (previous === undefined)
      throw new PackageError('no_previous', `Rolling back ${id}: ${current.version} is the only version that is here`);
    if (options.version === undefined || options.version === previous.version) return previous;
    const what = `Rolling back ${id} to ${options.version}: the version before ${current.version} is ${previous.version}`;
    throw new PackageError('no_previous', what, { data: { previous: previous.version } });
  }

  async #verifyHere(target: PackageVersion): Promise<void> {
    const missing = await this.#deps.content.missing(target);
    if (missing.length === 0) return;
    const some = missing.slice(0, 3).join(', ');
    const what = `Rolling back ${target.id} to ${target.version}: ${missing.length} of its files are gone: ${some}`;
    throw new PackageError('previous_incomplete', what, { data: { missing: missing.slice(0, 100) } });
  }

  #begin(target: PackageVersion, before: PackageRow | undefined): void {
    const { rows, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const times = { beganAtMs: nowMs, updatedAtMs: nowMs };
    const what = { id: target.id, install: target.install, kind: 'rollback', step: 'gate' } as const;
    rows.journal.put({ ...what, target, before, detail: {}, ...times });
  }

  #live(target: PackageVersion, config: ConfigChange[]): LiveInstall {
    const { models, gate } = this.#deps;
    const { id, version } = target;
    return {
      store: async () => {},
      judge: async () => {
        const files = modelsOfTier(await models.manifestOf(target), target.tier);
        await judgeModels(gate, target, { models: files, author: undefined, signal: undefined });
      },
      onStep: (step) => this.#order.emit({ on: 'step', step, id, version }),
      onConfig: (all) => config.push(...all),
      isWorthKeeping: () => false,
    };
  }
}
