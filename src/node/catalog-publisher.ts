/**
 * Tells the mesh what this node has and that it lives. Pages go out when they change, the heartbeat at every change and
 * each period; pages that near their end of life are signed anew. Spec: docs/spec/04-catalog.md §4, §5.
 */
import type { Clock } from '../core/index.ts';
import { type Heartbeat, isPackageEntry, type ModelEntry } from '../protocol/index.ts';
import { planPages } from './catalog-pages.ts';

export interface CatalogPublisherOptions {
  readonly clock: Clock;
  /** Between heartbeats; well under the TTL, so that two may be lost. */
  readonly periodMs: number;
  /** What this node offers now: every byte verified. */
  entries(): readonly ModelEntry[];
  /** Pages published before and still in force, by number. */
  publishedPages(): readonly PublishedPage[];
  publishPage(page: number, entries: readonly ModelEntry[]): void;
  publishHeartbeat(summary: Pick<Heartbeat, 'catalog_pages' | 'model_count'>): void;
  /** The mesh took nothing, as of a node that was put out, or the disk is full: tried again at the next beat. */
  onFailure(thrown: unknown): void;
}

export interface PublishedPage {
  readonly page: number;
  readonly entries: readonly ModelEntry[];
  /** Less than half of its life is left. */
  readonly isOld: boolean;
}

/** Changes that come together are published together. */
const SETTLE_MS = 100;

export class CatalogPublisher implements AsyncDisposable {
  readonly #options: CatalogPublisherOptions;
  #cancelBeat = (): void => {};
  #cancelSettle: (() => void) | undefined;
  #isRunning = false;

  constructor(options: CatalogPublisherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    this.#beat();
  }

  /** The set of models, or where this node is found, has changed. */
  changed(): void {
    if (!this.#isRunning || this.#cancelSettle !== undefined) return;
    this.#cancelSettle = this.#options.clock.after(SETTLE_MS, () => {
      this.#cancelSettle = undefined;
      this.#publish();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isRunning = false;
    this.#cancelBeat();
    this.#cancelSettle?.();
    this.#cancelSettle = undefined;
  }

  #beat(): void {
    this.#publish();
    this.#cancelBeat = this.#options.clock.after(this.#options.periodMs, () => this.#beat());
  }

  /** Called by timers: what it throws would end the daemon. */
  #publish(): void {
    try {
      this.#publishAll();
    } catch (thrown) {
      this.#options.onFailure(thrown);
    }
  }

  #publishAll(): void {
    const published = this.#options.publishedPages();
    const previous: ModelEntry[][] = [];
    for (const { page, entries } of published) previous[page] = [...entries];
    for (let page = 0; page < previous.length; page += 1) previous[page] ??= [];
    const entries = this.#options.entries();
    const plan = planPages(previous, entries);
    const due = new Set([...plan.changed, ...published.filter(({ isOld }) => isOld).map(({ page }) => page)]);
    for (const page of due) {
      const content = plan.pages[page];
      if (content !== undefined) this.#options.publishPage(page, content);
    }
    const models = entries.filter((entry) => !isPackageEntry(entry));
    this.#options.publishHeartbeat({ catalog_pages: plan.pages.length, model_count: models.length });
  }
}
