/**
 * The mesh's models as this node knows them: versions, who has them now, since when they are known here, which are deprecated. First
 * sightings are kept; the rest is read from the catalog and the records whenever it is asked for. `models/mesh.yaml` is a view for
 * people, written a moment after changes and never read. Spec: docs/spec/09-registry.md §9.
 */
import { type Clock, type Logger, messageOf, type NodeId } from '../../core/index.ts';
import { type MeshViewVersion, type ModelCatalog, type Registry, writeMeshView } from '../../registry/index.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import { NODE_LIMITS } from '../limits.ts';
import { SpacedCalls } from '../spaced-calls.ts';
import type { Deprecations } from './deprecations.ts';

export interface MeshRegistryOptions {
  readonly catalog: Pick<ModelCatalog, 'events' | 'getAllModels'>;
  readonly library: Pick<ModelLibrary, 'changes' | 'entries'>;
  readonly deprecations: Pick<Deprecations, 'of' | 'list' | 'changes'>;
  readonly sightings: Registry['sightings'];
  readonly own: { readonly nodeId: NodeId; readonly name: string };
  readonly viewPath: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Content {
  readonly modelId: string;
  readonly version: string;
  readonly sha256: string;
}

export class MeshRegistry implements AsyncDisposable {
  readonly #options: MeshRegistryOptions;
  readonly #stops: (() => void)[];
  /** Contents that need no look at the database. */
  readonly #noted = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: MeshRegistryOptions) {
    this.#options = options;
    const { catalog, library, deprecations, clock } = options;
    const { sightingsBurst: burst, sightingsEveryMs: everyMs } = NODE_LIMITS;
    const calls = new SpacedCalls({ clock, burst, everyMs, act: () => this.#refresh() });
    this.#stops = [
      catalog.events.on((event) => {
        if (event.type !== 'endpoints' && event.type !== 'fetching') calls.call();
      }),
      library.changes.on(() => calls.call()),
      deprecations.changes.on(() => calls.call()),
      () => calls[Symbol.dispose](),
    ];
    calls.call();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    await this.#writing;
  }

  /** When a content was first heard of here; now, at the latest. */
  firstSeenMs(modelId: string, version: string, sha256: string | undefined): number | undefined {
    const find = () =>
      this.#options.sightings
        .list(modelId)
        .find((one) => one.version === version && (sha256 === undefined || one.sha256 === sha256))?.firstSeenMs;
    const seen = find();
    if (seen !== undefined) return seen;
    // Heard of so lately that it was not noted yet.
    this.#note();
    return find();
  }

  /** Every version that somebody has now, or that is deprecated; by model id, oldest version first. */
  versions(): MeshViewVersion[] {
    const { catalog, library, deprecations, sightings, own } = this.#options;
    const rows = new Map<string, MeshViewVersion & { readonly nodes: string[] }>();
    const rowOf = (modelId: string, version: string) => {
      const key = `${modelId}\n${version}`;
      const known = rows.get(key);
      if (known !== undefined) return known;
      const deprecated = deprecations.of(modelId, version);
      const row = { modelId, version, nodes: [], firstSeenMs: undefined, deprecated: deprecated !== undefined };
      rows.set(key, row);
      return row;
    };
    for (const { model_id, version } of library.entries()) addTo(rowOf(model_id, version).nodes, own.name);
    for (const { modelId, version, nodes } of catalog.getAllModels())
      for (const { name } of nodes) addTo(rowOf(modelId, version).nodes, name);
    for (const { modelId, version } of deprecations.list()) rowOf(modelId, version);
    const first = new Map<string, number>();
    for (const { modelId, version, firstSeenMs } of sightings.list()) {
      const key = `${modelId}\n${version}`;
      first.set(key, Math.min(firstSeenMs, first.get(key) ?? firstSeenMs));
    }
    return [...rows].map(([key, row]) => ({ ...row, firstSeenMs: first.get(key) }));
  }

  #refresh(): void {
    const { viewPath, logger } = this.#options;
    try {
      this.#note();
      const versions = this.versions();
      this.#writing = this.#writing
        .then(() => writeMeshView(viewPath, versions))
        .catch((thrown: unknown) => logger.warn({ err: messageOf(thrown) }, 'mesh.yaml could not be written'));
    } catch (thrown) {
      logger.warn({ err: messageOf(thrown) }, 'what was seen for the first time could not be noted');
    }
  }

  #note(): void {
    const { catalog, library, sightings, clock } = this.#options;
    const own = library.entries().map(({ model_id, version, sha256 }) => ({ modelId: model_id, version, sha256 }));
    const fresh = [...own, ...catalog.getAllModels()].filter((content) => !this.#noted.has(keyOf(content)));
    if (fresh.length === 0) return;
    sightings.note(fresh, clock.nowMs());
    if (this.#noted.size > NODE_LIMITS.sightingsRemembered) this.#noted.clear();
    for (const content of fresh) this.#noted.add(keyOf(content));
  }
}

function addTo(names: string[], name: string): void {
  if (!names.includes(name)) names.push(name);
}

function keyOf({ modelId, version, sha256 }: Content): string {
  return `${modelId}\n${version}\n${sha256}`;
}
