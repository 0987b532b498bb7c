/**
 * Publishes this node's status pages: those that changed, spaced, and again before they run out. They live as long as the mesh lets
 * them, so that a node that is away is shown with what it said last. Spec: docs/spec/17-deployment.md §6.1.
 */
import { type Clock, every, type Logger, messageOf } from '../../core/index.ts';
import type { Deployed } from '../../deploy/index.ts';
import { isPastHalfLife, MESH_LIMITS, type Mesh } from '../../mesh/index.ts';
import type { ModelStatusPage } from '../../protocol/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { SpacedCalls } from '../spaced-calls.ts';
import { toStatusPages } from './status-pages.ts';

export interface StatusPublisherOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'records' | 'publish' | 'membershipEvents'>;
  readonly rows: () => readonly Deployed[];
  readonly clock: Clock;
  readonly logger: Logger;
}

export class StatusPublisher implements Disposable {
  readonly #options: StatusPublisherOptions;
  readonly #spaced: SpacedCalls;
  readonly #stops: (() => void)[] = [];
  #cancelRetry: (() => void) | undefined;

  constructor(options: StatusPublisherOptions) {
    this.#options = options;
    const { statusBurst: burst, statusEveryMs: everyMs } = NODE_LIMITS;
    this.#spaced = new SpacedCalls({ clock: options.clock, burst, everyMs, act: () => this.#publish() });
    this.#stops.push(options.mesh.membershipEvents.on(() => this.changed()));
  }

  start(): void {
    this.changed();
    this.#stops.push(every(this.#options.clock, MESH_LIMITS.nodeRecordLifeMs / 4, () => this.changed()));
  }

  changed(): void {
    this.#spaced.call();
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#cancelRetry?.();
    this.#spaced[Symbol.dispose]();
  }

  /** Called by timers: what it throws would end the daemon. */
  #publish(): void {
    const { mesh, rows, clock, logger } = this.#options;
    try {
      const published = this.#published(clock.nowMs());
      const pages = toStatusPages(rows());
      if (pages[0]?.pages === 0 && published.size === 0) return;
      for (const page of pages) {
        if (published.get(String(page.page)) === JSON.stringify(page)) continue;
        mesh.publish({ kind: 'status', key: String(page.page), payload: page, ttlMs: MESH_LIMITS.nodeRecordLifeMs });
      }
    } catch (thrown) {
      logger.warn({ reason: messageOf(thrown) }, 'the mesh was not told how deployments are');
      this.#tryLater();
    }
  }

  /** A full disk takes no record, and nothing may change any more when there is room again. */
  #tryLater(): void {
    this.#cancelRetry ??= this.#options.clock.after(NODE_LIMITS.statusRetryMs, () => {
      this.#cancelRetry = undefined;
      this.changed();
    });
  }

  /** Those that are young enough to stay, as text. */
  #published(nowMs: number): ReadonlyMap<string, string> {
    const { mesh } = this.#options;
    const records = mesh.records({ kind: 'status', author: mesh.nodeId });
    const young = records.filter((record) => !isPastHalfLife(record, nowMs));
    return new Map(young.map(({ key, payload }) => [key, JSON.stringify(payload as ModelStatusPage)]));
  }
}
