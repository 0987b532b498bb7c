/**
 * One install, rollback or removal on its way through the steps. Rules: a step stands in the journal before it begins; each may be done again;
 * only `commit` and `back_commit` change what is in force, each in one transaction with the step that follows. What the journal throws
 * ends the run where it stands, and the next start takes it up. Spec: docs/spec/21-packages.md §8.
 */
import { type Clock, type Logger, messageOf } from '../../core/index.ts';
import type { PackageJournalRow, PackageRepository, PackageVersion } from '../../registry/index.ts';
import { PackageError } from './errors.ts';
import type { ConfigStep, InstallPorts, LiveInstall } from './install-ports.ts';
import { keptVersions } from './kept-versions.ts';
import { planCommit } from './plan-install.ts';
import {
  afterFailure,
  isBack,
  isBeforeCommit,
  isRemoval,
  type JournalStep,
  nextStep,
  type RemoveStep,
} from './steps.ts';

export interface InstallRunDeps {
  readonly rows: PackageRepository;
  readonly ports: InstallPorts;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class InstallRun {
  readonly #deps: InstallRunDeps;
  readonly #id: string;
  readonly #live: LiveInstall | undefined;

  /** `live` is there where somebody waits for it; a start takes up only what needs no package. */
  constructor(deps: InstallRunDeps, id: string, live?: LiveInstall) {
    this.#deps = deps;
    this.#id = id;
    this.#live = live;
  }

  /** Until the journal has no row, or one that waits. Throws what made it fail; the node is then as it was before. */
  async run(): Promise<void> {
    let failure: unknown;
    for (;;) {
      const row = this.#deps.rows.journal.get(this.#id);
      if (row === undefined || row.step === 'stopped') break;
      const step = row.step as JournalStep;
      this.#live?.onStep(step);
      try {
        await this.#step(row, step);
      } catch (thrown) {
        const next = afterFailure(step, this.#live?.isWorthKeeping(thrown) ?? true);
        if (next === 'stay' && step === 'tidy') return this.#leave(thrown);
        if (next === 'stay') throw failure ?? thrown;
        failure ??= isBeforeCommit(step) ? thrown : undone(row, thrown);
        this.#put(row, next, { cause: messageOf(thrown) });
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Does it, and writes the next. */
  async #step(row: PackageJournalRow, step: JournalStep): Promise<void> {
    if (step === 'commit') return await this.#commit(row);
    if (step === 'back_commit') return this.#commitBack(row);
    if (step === 'undo') return await this.#undo(row);
    if (isRemoval(step)) await this.#removeStep(row, step);
    else await (isBack(step) ? this.#backStep(row, step) : this.#forwardStep(row, step));
    const next = nextStep(step);
    if (next === undefined) this.#deps.rows.journal.delete(this.#id);
    else this.#put(row, next);
  }

  async #forwardStep({ target, install, before, detail }: PackageJournalRow, step: JournalStep): Promise<void> {
    const { models, folders, config, afterwards } = this.#deps.ports;
    switch (step) {
      case 'store':
        return await this.#live?.store();
      case 'gate':
        return await this.#live?.judge();
      case 'models':
        return await models.install(target);
      case 'place':
        await folders.place(target);
        return await folders.setCurrent(target.id, target.version);
      case 'config':
        return await this.#configure({ install, target, before: before?.current });
      case 'announce':
        return await afterwards.announce();
      case 'agents':
        return await afterwards.startAgents();
      default:
        await config.settle({ target, install });
        await this.#releaseAll(detail);
    }
  }

  async #configure(change: ConfigStep): Promise<void> {
    const changes = await this.#deps.ports.config.apply(change);
    this.#live?.onConfig(changes);
  }

  async #backStep({ target, install, before }: PackageJournalRow, step: JournalStep): Promise<void> {
    const { models, folders, config, afterwards } = this.#deps.ports;
    const current = before?.current;
    switch (step) {
      case 'back_models':
        if (current !== undefined) await models.install(current);
        return;
      case 'back_place':
        if (current !== undefined) await folders.place(current);
        return await folders.setCurrent(target.id, current?.version);
      case 'back_config':
        return await config.restore({ target, install });
      case 'back_announce':
        return await afterwards.announce();
      case 'back_agents':
        return await afterwards.startAgents();
      default:
        await config.settle({ target, install });
        await this.#release(target);
    }
  }

  /** It is out of force. The operator's configuration stays. */
  async #removeStep({ target, detail }: PackageJournalRow, step: RemoveStep): Promise<void> {
    const { folders, afterwards } = this.#deps.ports;
    if (step === 'remove_agents') return await afterwards.startAgents();
    if (step === 'remove_place') return await folders.setCurrent(target.id, undefined);
    if (step === 'remove_announce') return await afterwards.announce();
    await this.#release(target);
    await this.#releaseAll(detail);
  }

  async #releaseAll({ released = [] }: PackageJournalRow['detail']): Promise<void> {
    for (const version of released as readonly PackageVersion[]) await this.#release(version);
  }

  async #commit(row: PackageJournalRow): Promise<void> {
    const { rows, ports, clock } = this.#deps;
    const { target, before, kind, detail } = row;
    const keptConfig = await ports.config.look(target, before?.current);
    const nowMs = clock.nowMs();
    const plan = planCommit(target, before, { kind, keptConfig, nowMs });
    const next = { ...row, step: 'models', detail: { ...detail, released: plan.released }, updatedAtMs: nowMs };
    rows.commit(plan.row, next);
  }

  #commitBack(row: PackageJournalRow): void {
    const { rows, clock } = this.#deps;
    rows.commit(row.before, { ...row, step: 'back_models', updatedAtMs: clock.nowMs() });
  }

  /** Nothing was in force yet. A rollback has stored nothing. */
  async #undo({ id, kind, target }: PackageJournalRow): Promise<void> {
    const { rows, ports } = this.#deps;
    if (kind === 'import') await ports.content.release(target);
    rows.journal.delete(id);
  }

  /** Nothing leads back to it any more. A version that is still kept, by another install, keeps what it needs. */
  async #release(version: PackageVersion): Promise<void> {
    const { rows, ports } = this.#deps;
    const kept = keptVersions(rows.list());
    if (kept.some(({ install }) => install === version.install)) return;
    await ports.models.drop(version);
    const isPlaced = kept.some((one) => one.id === version.id && one.version === version.version);
    if (!isPlaced) await ports.folders.drop(version);
    await ports.content.release(version);
  }

  /** It is installed; what could not be tidied up is tried again at the next start. */
  #leave(thrown: unknown): void {
    this.#deps.logger.warn({ package: this.#id, reason: messageOf(thrown) }, 'what an install left lies about still');
  }

  #put(row: PackageJournalRow, step: JournalStep, more: Readonly<Record<string, unknown>> = {}): void {
    const detail = { ...row.detail, ...more };
    this.#deps.rows.journal.put({ ...row, step, detail, updatedAtMs: this.#deps.clock.nowMs() });
  }
}

function undone({ id, target, before }: PackageJournalRow, thrown: unknown): PackageError {
  const now = before === undefined ? 'nothing of it is installed' : `${before.current.version} is back`;
  return new PackageError('install_undone', `Installing ${id} ${target.version}: ${messageOf(thrown)}; ${now}`, {
    data: { id, version: target.version },
    cause: thrown,
  });
}
