/** Notes when each content of the mesh was first heard of here; over restarts. Spec: docs/spec/09-registry.md §9. */
import { type Clock, type Logger, messageOf } from '../../core/index.ts';
import type { ModelCatalog, Registry } from '../../registry/index.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import { NODE_LIMITS } from '../limits.ts';
import { SpacedCalls } from '../spaced-calls.ts';

export interface SeenModelsOptions {
  readonly catalog: Pick<ModelCatalog, 'events' | 'getAllModels'>;
  readonly library: Pick<ModelLibrary, 'changes' | 'entries'>;
  readonly sightings: Registry['sightings'];
  readonly clock: Clock;
  readonly logger: Logger;
}

export class SeenModels implements Disposable {
  readonly #options: SeenModelsOptions;
  readonly #stops: (() => void)[];
  /** Rows that need no look at the database. */
  readonly #noted = new Set<string>();

  constructor(options: SeenModelsOptions) {
    this.#options = options;
    const { catalog, library, clock } = options;
    const { sightingsBurst: burst, sightingsEveryMs: everyMs } = NODE_LIMITS;
    const calls = new SpacedCalls({ clock, burst, everyMs, act: () => this.note() });
    this.#stops = [
      catalog.events.on((event) => {
        if (event.type === 'changed' && event.added > 0) calls.call();
      }),
      library.changes.on(() => calls.call()),
      () => calls[Symbol.dispose](),
    ];
    calls.call();
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** What is here and what others have, as far as it is new. */
  note(): void {
    const { catalog, library, sightings, clock, logger } = this.#options;
    const own = library.entries().map(({ model_id, version, sha256 }) => ({ modelId: model_id, version, sha256 }));
    const fresh = [...own, ...catalog.getAllModels()].filter((content) => !this.#noted.has(keyOf(content)));
    if (fresh.length === 0) return;
    try {
      sightings.note(fresh, clock.nowMs());
      if (this.#noted.size > NODE_LIMITS.sightingsRemembered) this.#noted.clear();
      for (const content of fresh) this.#noted.add(keyOf(content));
    } catch (thrown) {
      logger.warn({ err: messageOf(thrown) }, 'what was seen for the first time could not be noted');
    }
  }
}

function keyOf({ modelId, version, sha256 }: { modelId: string; version: string; sha256: string }): string {
  return `${modelId}\n${version}\n${sha256}`;
}
