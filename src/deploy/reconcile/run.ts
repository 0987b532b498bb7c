/**
 * One model's way through the steps. Rules: a row is in the journal before its step begins; each step may be done again; only
 * `activate` and `rollback` change what is in force. What the journal throws ends the run where it stands. Spec: docs/spec/17-deployment.md §4.
 */
import type { Clock, Logger, ModelId } from '../../core/index.ts';
import type { ContentKey, Deployed } from '../types.ts';
import { isResting, retryAfterMs, retryAfterRollbackMs, toCause, toRefusal } from './failures.ts';
import type { Line } from './line.ts';
import type {
  Activator,
  AuditSink,
  DeploymentEvent,
  DeploymentStore,
  Fetcher,
  Gate,
  Prober,
  StatusSink,
} from './ports.ts';
import { contentOf, isSameContent, leftoversOf, sumUp, toFailed, toSettled } from './rows.ts';

export interface DeploymentPorts {
  readonly store: DeploymentStore;
  readonly fetcher: Fetcher;
  readonly gate: Gate;
  readonly prober: Prober;
  readonly activator: Activator;
  readonly status: StatusSink;
  readonly line: Line;
  readonly audit: AuditSink;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Progress is told in steps of this share. */
const TOLD_SHARE = 0.05;
const NEVER = new AbortController().signal;
const UNKNOWN_CAUSE: Cause = { code: 'probe_failed', message: 'it was not said why', again: true };

type Failure = NonNullable<Deployed['error']>;
type Cause = NonNullable<Deployed['cause']>;

export class DeploymentRun {
  readonly modelId: ModelId;
  readonly #ports: DeploymentPorts;
  readonly #abort = new AbortController();

  constructor(ports: DeploymentPorts, modelId: ModelId) {
    this.#ports = ports;
    this.modelId = modelId;
  }

  get isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Its wish is over: it ends at its step. */
  stop(): void {
    this.#abort.abort();
  }

  /** Until the row is settled, gone, or waits. Throws what the journal throws. */
  async run(): Promise<void> {
    for (;;) {
      const row = this.#ports.store.get(this.modelId);
      if (row === undefined) return;
      const next = await this.#step(row);
      if (next === undefined) return;
      this.#put(next);
    }
  }

  /** The row after its step; undefined when there is nothing more to do now. */
  #step(row: Deployed): Promise<Deployed | undefined> | undefined {
    if (this.#abort.signal.aborted && row.step !== 'rollback' && row.step !== 'remove') return undefined;
    switch (row.step) {
      case 'fetch':
        return this.#fetch(row);
      case 'gate':
        return this.#judge(row);
      case 'probe':
        return this.#probe(row);
      case 'activate':
        return this.#activate(row);
      case 'rollback':
        return this.#isResting(row) ? undefined : this.#rollBack(row);
      case 'remove':
        return this.#isResting(row) ? undefined : this.#remove(row);
      case 'settled':
        return this.#tidy(row);
    }
  }

  async #fetch(row: Deployed): Promise<Deployed> {
    const { fetcher, clock } = this.#ports;
    const beganMs = clock.monotonicMs();
    const isHere = await fetcher.isHere(row.manifest);
    const begun = { ...row, owned: isHere ? row.owned : withOwned(row), updatedAtMs: clock.nowMs() };
    this.#put({ ...begun, status: 'Downloading' });
    if (row.attempts === 0) this.#note('deployment_began', row);
    try {
      if (!isHere) await this.#fetchAll(row);
    } catch (thrown) {
      this.#abort.signal.throwIfAborted();
      return this.#failed(begun, toRefusal(thrown, 'fetch_failed'), retryAfterMs(row.attempts + 1));
    }
    const transferMs = isHere ? undefined : Math.round(clock.monotonicMs() - beganMs);
    const nowMs = clock.nowMs();
    const done = { step: 'gate', status: 'Downloading', downloadProgress: 1 } as const;
    return { ...begun, ...done, verifiedAtMs: nowMs, transferMs, updatedAtMs: nowMs };
  }

  async #fetchAll({ manifest, priority }: Deployed): Promise<void> {
    const { signal } = this.#abort;
    const { fetcher, store, clock } = this.#ports;
    const onProgress = (share: number): void => {
      const row = store.get(this.modelId);
      if (signal.aborted || row?.step !== 'fetch' || share - row.downloadProgress < TOLD_SHARE) return;
      this.#put({ ...row, downloadProgress: Math.min(1, share), updatedAtMs: clock.nowMs() });
    };
    await fetcher.fetch(manifest, { priority, onProgress }, signal);
  }

  async #judge(row: Deployed): Promise<Deployed> {
    const nowMs = this.#ports.clock.nowMs();
    let reasons: readonly Failure[];
    try {
      reasons = await this.#ports.gate.judge(row.manifest, row.because.author, this.#abort.signal);
    } catch (thrown) {
      this.#abort.signal.throwIfAborted();
      return this.#failed(row, toRefusal(thrown, 'gate_failed'), retryAfterMs(row.attempts + 1));
    }
    if (reasons.length > 0) return this.#failed(row, sumUp(reasons), undefined);
    if (row.load) return { ...row, step: 'probe', updatedAtMs: nowMs };
    return toSettled(row, 'Ready', nowMs);
  }

  async #probe(row: Deployed): Promise<Deployed> {
    try {
      const outcome = await this.#probeInTurn(row);
      const nowMs = this.#ports.clock.nowMs();
      const loadedAtMs = outcome === 'loaded' ? nowMs : undefined;
      this.#note('deployment_probed', row, { outcome });
      return { ...row, step: 'activate', loadedAtMs, updatedAtMs: nowMs };
    } catch (thrown) {
      this.#abort.signal.throwIfAborted();
      return this.#goingBack(row, toCause(thrown, 'probe_failed'));
    }
  }

  /** The machine is measured by one model at a time. Going back does not stand in this line. */
  async #probeInTurn({ manifest }: Deployed): Promise<'loaded' | 'checked'> {
    const { prober, line } = this.#ports;
    const { signal } = this.#abort;
    return line.inTurn(async () => {
      signal.throwIfAborted();
      return (await prober.probe(manifest, signal)).outcome;
    });
  }

  async #activate(row: Deployed): Promise<Deployed> {
    try {
      await this.#ports.activator.activate(row.manifest);
    } catch (thrown) {
      return this.#goingBack(row, toCause(thrown, 'activation_failed'));
    }
    const place = { inForce: 'this', previousStatus: undefined } as const;
    const status = row.loadedAtMs === undefined ? 'Ready' : 'Loaded';
    const settled = toSettled({ ...row, ...place }, status, this.#ports.clock.nowMs());
    this.#note('deployment_in_force', settled);
    return settled;
  }

  /** What was in force before is here, whatever the network is. */
  async #rollBack(row: Deployed): Promise<Deployed> {
    const { clock } = this.#ports;
    const cause = row.cause ?? UNKNOWN_CAUSE;
    const beganMs = clock.monotonicMs();
    try {
      const back = await this.#putBack(row);
      const message = row.previous === undefined ? cause.message : `${cause.message}; ${row.previous.version} is back`;
      const afterMs = retryAfterRollbackMs(cause.again, row.attempts);
      const retryAtMs = afterMs === undefined ? undefined : clock.nowMs() + afterMs;
      const tookMs = Math.round(clock.monotonicMs() - beganMs);
      this.#note('deployment_rolled_back', row, {
        back: row.previous?.version ?? null,
        took_ms: tookMs,
        code: cause.code,
        message,
      });
      return toFailed(back, { code: cause.code, message }, clock.nowMs(), retryAtMs);
    } catch (thrown) {
      return this.#stuck(row, cause, thrown);
    }
  }

  async #putBack(row: Deployed): Promise<Deployed> {
    const { activator, prober } = this.#ports;
    if (row.previous === undefined) {
      await activator.deactivate(row.modelId);
      return { ...row, inForce: 'none', previousStatus: undefined };
    }
    await activator.activate(row.previous);
    const { outcome } = await prober.probe(row.previous, NEVER);
    return { ...row, inForce: 'previous', previousStatus: outcome === 'loaded' ? 'Loaded' : 'Ready' };
  }

  /** Neither the new one nor the one before: said loudly, and tried again. */
  #stuck(row: Deployed, cause: Cause, thrown: unknown): Deployed {
    const nowMs = this.#ports.clock.nowMs();
    const why = toRefusal(thrown, 'rollback_failed').message;
    const back = row.previous?.version ?? 'nothing';
    const message = `Going back to ${back} failed: ${why}; it was left because: ${cause.message}`;
    const attempts = row.attempts + 1;
    this.#ports.logger.error({ model: row.modelId, ...contentOf(row), back, why, cause }, 'a roll-back failed');
    this.#note('deployment_rollback_failed', row, { back, why, code: cause.code });
    const error = { code: 'rollback_failed', message };
    const again = { attempts, retryAtMs: nowMs + retryAfterMs(attempts), updatedAtMs: nowMs };
    return { ...row, status: 'Failed', previousStatus: 'Failed', error, cause, ...again };
  }

  async #remove(row: Deployed): Promise<Deployed | undefined> {
    const { activator, fetcher, store, status, clock } = this.#ports;
    try {
      await activator.deactivate(row.modelId);
      for (const content of row.owned) await fetcher.drop(row.modelId, content);
    } catch (thrown) {
      const attempts = row.attempts + 1;
      const error = toRefusal(thrown, 'remove_failed');
      const nowMs = clock.nowMs();
      const again = { attempts, retryAtMs: nowMs + retryAfterMs(attempts), updatedAtMs: nowMs };
      return { ...row, status: 'Failed', error, ...again };
    }
    store.delete(row.modelId);
    status.changed(row.modelId);
    this.#note('deployment_removed', row);
    return undefined;
  }

  /** What nothing needs any more goes; a failure costs room, and no more. */
  async #tidy(row: Deployed): Promise<Deployed | undefined> {
    const leftovers = row.error === undefined ? leftoversOf(row) : [];
    if (leftovers.length === 0) return undefined;
    for (const content of leftovers) {
      await this.#ports.fetcher
        .drop(row.modelId, content)
        .catch((thrown: unknown) =>
          this.#ports.logger.warn({ model: row.modelId, err: thrown }, 'an old version stays'),
        );
    }
    return { ...row, owned: row.owned.filter((content) => !leftovers.includes(content)) };
  }

  /** Failed, and nothing in force was touched. */
  #failed(row: Deployed, error: Failure, afterMs: number | undefined): Deployed {
    const nowMs = this.#ports.clock.nowMs();
    this.#ports.logger.warn({ model: row.modelId, ...contentOf(row), ...error }, 'a deployment failed');
    this.#note('deployment_failed', row, error);
    const retryAtMs = afterMs === undefined ? undefined : nowMs + afterMs;
    return { ...toFailed(row, error, nowMs, retryAtMs), attempts: row.attempts + 1 };
  }

  #goingBack(row: Deployed, cause: Cause): Deployed {
    const nowMs = this.#ports.clock.nowMs();
    this.#ports.logger.warn({ model: row.modelId, ...contentOf(row), ...cause }, 'a deployment failed, going back');
    this.#note('deployment_failed', row, { code: cause.code, message: cause.message });
    const fresh = { loadedAtMs: undefined, retryAtMs: undefined, updatedAtMs: nowMs };
    const error = { code: cause.code, message: cause.message };
    return { ...row, step: 'rollback', cause, error, attempts: row.attempts + 1, ...fresh };
  }

  #isResting(row: Deployed): boolean {
    return isResting(row, this.#ports.clock.nowMs());
  }

  #note(event: DeploymentEvent, row: Deployed, more: Readonly<Record<string, unknown>> = {}): void {
    const { kind, id, author } = row.because;
    const facts = { model_id: row.modelId, version: row.version, sha256: row.sha256, because: kind, order: id };
    this.#ports.audit.note(event, { ...facts, ...(author === undefined ? {} : { author }), ...more });
  }

  #put(row: Deployed): void {
    this.#ports.store.put(row);
    this.#ports.status.changed(row.modelId);
  }
}

function withOwned(row: Deployed): readonly ContentKey[] {
  return row.owned.some((content) => isSameContent(content, row)) ? row.owned : [...row.owned, contentOf(row)];
}
