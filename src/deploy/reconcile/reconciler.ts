/**
 * Brings a node to what it should have, and keeps it there. Rules: the journal is the only memory; one run a model; a plan is made
 * from the journal each time, so that a start after a crash is an ordinary look. Closing lets no step begin any more and waits for
 * those under way. Spec: docs/spec/17-deployment.md §4.
 */
import { type ModelId, messageOf } from '../../core/index.ts';
import { DEPLOY_LIMITS } from '../limits.ts';
import type { Deployed } from '../types.ts';
import { Line } from './line.ts';
import { planReconcile } from './plan.ts';
import type { Wishes } from './ports.ts';
import { isWell, toBegun } from './rows.ts';
import { type DeploymentPorts, DeploymentRun } from './run.ts';

export interface ReconcilerPorts extends Omit<DeploymentPorts, 'line'> {
  readonly wishes: Wishes;
}

export class Reconciler implements AsyncDisposable {
  readonly #ports: ReconcilerPorts & DeploymentPorts;
  readonly #runs = new Map<ModelId, DeploymentRun>();
  readonly #running = new Set<Promise<void>>();
  /** Models whose journal could not be written: left alone for a while. */
  readonly #resting = new Set<ModelId>();
  readonly #timers = new Set<() => void>();
  #cancelWake = (): void => {};
  #look: Promise<void> | undefined;
  #isWanted = false;
  #isOpen = false;
  #idle: (() => void)[] = [];

  constructor(ports: ReconcilerPorts) {
    this.#ports = { ...ports, line: new Line() };
  }

  /** Compares everything, and goes on with what a crash left. */
  async start(): Promise<void> {
    this.#isOpen = true;
    await this.recheck();
    this.wake();
  }

  /** What should be here, or what is, may have changed. */
  wake(): void {
    if (!this.#isOpen) return;
    this.#isWanted = true;
    this.#look ??= this.#lookUntilDone();
  }

  /** Tries again now what waits after a failed fetch. */
  hurry(isConcerned: (row: Deployed) => boolean): void {
    const { store, clock } = this.#ports;
    const nowMs = clock.nowMs();
    for (const row of store.list()) {
      if (row.step !== 'settled' || row.retryAtMs === undefined || row.retryAtMs <= nowMs || !isConcerned(row))
        continue;
      store.put({ ...row, retryAtMs: nowMs });
      this.wake();
    }
  }

  /** Resolves when nothing runs and nothing is to be begun now. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    this.#cancelWake();
    for (const cancel of this.#timers) cancel();
    for (const run of this.#runs.values()) run.stop();
    await this.#look;
    await Promise.all(this.#running);
    this.#settleIdle();
  }

  get #isIdle(): boolean {
    return this.#look === undefined && this.#running.size === 0;
  }

  /** What is in force and no longer here, as after somebody deleted it, is got again. */
  async recheck(): Promise<void> {
    const { store, fetcher, clock, logger } = this.#ports;
    for (const row of store.list()) {
      if (!isWell(row) || (await fetcher.isHere(row.manifest).catch(() => true))) continue;
      if (this.#runs.has(row.modelId) || store.get(row.modelId) !== row) continue;
      logger.warn({ model: row.modelId, version: row.version }, 'a deployed model is gone from this node');
      const { modelId, manifest, load, priority, because } = row;
      store.put(toBegun(row, { modelId, presence: 'present', manifest, load, priority, because }, clock.nowMs()));
      this.wake();
    }
  }

  async #lookUntilDone(): Promise<void> {
    await Promise.resolve();
    while (this.#isWanted && this.#isOpen) {
      this.#isWanted = false;
      try {
        await this.#reconcile();
      } catch (thrown) {
        this.#ports.logger.error({ err: messageOf(thrown) }, 'comparing what should be deployed failed');
        this.#wakeIn(DEPLOY_LIMITS.retryBaseMs);
      }
    }
    this.#look = undefined;
    this.#settleIdle();
  }

  async #reconcile(): Promise<void> {
    const { wishes, store, status, clock } = this.#ports;
    const desired = await wishes.desired();
    const nowMs = clock.nowMs();
    const running = new Set([...this.#runs.keys(), ...this.#resting]);
    const limits = { parallelDeployments: DEPLOY_LIMITS.parallelDeployments + this.#resting.size, running };
    const { actions, wakeAtMs } = planReconcile(desired, store.list(), limits, nowMs);
    for (const action of actions) {
      if (action.kind === 'stop') this.#runs.get(action.modelId)?.stop();
      if (action.kind === 'run') this.#begin(action.row.modelId);
      if (action.kind !== 'journal') continue;
      store.put(action.row);
      status.changed(action.row.modelId);
      if (action.row.status === 'Failed' && action.row.step === 'settled') this.#noteRefusal(action.row);
    }
    this.#cancelWake();
    if (wakeAtMs !== undefined) this.#wakeIn(wakeAtMs - nowMs);
  }

  #begin(modelId: ModelId): void {
    if (!this.#isOpen || this.#runs.has(modelId)) return;
    const run = new DeploymentRun(this.#ports, modelId);
    this.#runs.set(modelId, run);
    const running = run
      .run()
      .catch((thrown: unknown) => this.#onFailure(run, thrown))
      .finally(() => {
        this.#runs.delete(modelId);
        this.#running.delete(running);
        this.wake();
        this.#settleIdle();
      });
    this.#running.add(running);
  }

  /** The journal could not be written, or a port broke its word: what is in force stays, and the step is done again. */
  #onFailure(run: DeploymentRun, thrown: unknown): void {
    if (run.isStopped) return;
    const { modelId } = run;
    this.#ports.logger.error({ model: modelId, err: messageOf(thrown) }, 'a deployment stands still');
    this.#resting.add(modelId);
    const cancel = this.#ports.clock.after(DEPLOY_LIMITS.retryBaseMs, () => {
      this.#timers.delete(cancel);
      this.#resting.delete(modelId);
      this.wake();
    });
    this.#timers.add(cancel);
  }

  #noteRefusal({ modelId, version, error }: Deployed): void {
    this.#ports.logger.warn({ model: modelId, version, ...error }, 'a deployment is refused');
    this.#ports.audit.note('deployment_refused', { model_id: modelId, version, ...error });
  }

  #wakeIn(delayMs: number): void {
    this.#cancelWake();
    this.#cancelWake = this.#ports.clock.after(Math.max(0, delayMs), () => this.wake());
  }

  #settleIdle(): void {
    if (!this.#isIdle) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
