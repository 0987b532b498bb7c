/** Publishes this node's status pages: those that changed, spaced, and again before they run out. Spec: docs/spec/17-deployment.md §6.1. */
import { type Clock, type Logger, messageOf } from '../../core/index.ts';
import type { Deployed } from '../../deploy/index.ts';
import { MESH_LIMITS, type Mesh } from '../../mesh/index.ts';
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
  #cancelRenewal = (): void => {};

  constructor(options: StatusPublisherOptions) {
    this.#options = options;
    const { statusBurst: burst, statusEveryMs: everyMs } = NODE_LIMITS;
    this.#spaced = new SpacedCalls({ clock: options.clock, burst, everyMs, act: () => this.#publish() });
    this.#stops.push(options.mesh.membershipEvents.on(() => this.changed()));
  }

  start(): void {
    this.changed();
    this.#cancelRenewal = this.#options.clock.after(MESH_LIMITS.nodeRecordLifeMs / 4, () => this.start());
  }

  changed(): void {
    this.#spaced.call();
  }

  [Symbol.dispose](): void {
    this.#cancelRenewal();
    for (const stop of this.#stops.splice(0)) stop();
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
        mesh.publish({ kind: 'status', key: String(page.page), payload: page, ttlMs: STATUS_LIFE_MS });
      }
    } catch (thrown) {
      logger.warn({ reason: messageOf(thrown) }, 'the mesh was not told how deployments are');
    }
  }

  /** Those that are young enough to stay, as text. */
  #published(nowMs: number): ReadonlyMap<string, string> {
    const { mesh } = this.#options;
    const records = mesh.records({ kind: 'status', author: mesh.nodeId });
    const young = records.filter((record) => record.expires_at - nowMs > STATUS_LIFE_MS / 2);
    return new Map(young.map(({ key, payload }) => [key, JSON.stringify(payload as ModelStatusPage)]));
  }
}

/** As long as the mesh lets one live: a node that is away is shown with what it said last. */
export const STATUS_LIFE_MS = 86_400_000;
