/** The models' rows in memory: of thousands, only those of an id that was changed are read again. */
import type { ModelId } from '../../core/index.ts';
import type { LocalModel, Registry } from '../../registry/index.ts';

export class RowCache {
  readonly #models: Registry['models'];
  readonly #stale = new Set<ModelId>();
  #byId: Map<ModelId, readonly LocalModel[]> | undefined;
  #list: readonly LocalModel[] | undefined;

  constructor(models: Registry['models']) {
    this.#models = models;
  }

  /** By id, then version. */
  list(): readonly LocalModel[] {
    this.#list ??= this.#read();
    return this.#list;
  }

  /** To be called after the rows of this id were written. */
  forget(modelId: ModelId): void {
    this.#stale.add(modelId);
    this.#list = undefined;
  }

  #read(): readonly LocalModel[] {
    if (this.#byId === undefined) this.#byId = Map.groupBy(this.#models.list(), ({ modelId }) => modelId);
    else for (const modelId of this.#stale) this.#byId.set(modelId, this.#models.get(modelId));
    this.#stale.clear();
    for (const [modelId, rows] of this.#byId) if (rows.length === 0) this.#byId.delete(modelId);
    return [...this.#byId].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, rows]) => rows);
  }
}
