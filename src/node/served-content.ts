/**
 * What this node serves to others: models that are ready, and the blobs they are made of, nothing else the store has. Whoever
 * reads bytes, by whatever way, comes through here: this is where the access policy is asked (docs/spec/20-access.md §3).
 */
import { type Logger, type ModelId, messageOf, type Sha256 } from '../core/index.ts';
import { compareVersions, type DifferenceAnswer, type ModelEntry } from '../protocol/index.ts';
import type { LocalModel, Registry, StoredDifference } from '../registry/index.ts';
import { type BlobReader, type BlobStore, StoreError } from '../store/index.ts';
import type { DifferenceQuestion } from '../transfer/index.ts';
import { type Asker, openReadGate, type ReadGate } from './access/read-gate.ts';
import type { Differences } from './differences/open-differences.ts';
import { NodeError } from './errors.ts';
import { FetchedContent, type OfferedBlob, type OfferedHolding } from './fetched-content.ts';
import { descriptionOf, toEntry } from './library/local-entry.ts';
import type { ModelLibrary } from './library/model-library.ts';
import { OfferBook } from './packages/mesh/offer-book.ts';
import { FetchBook } from './pull/fetch-book.ts';

export interface OfferedModel {
  readonly entry: ModelEntry;
  readonly public: boolean;
  readonly createdMs: number;
  readonly model: LocalModel;
}

export interface OfferedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

export interface ServedModelsOptions {
  readonly library: ModelLibrary;
  readonly store: BlobStore;
  readonly pieceLists: Registry['pieceLists'];
  /** The owner opened every model (`up --open-lan`). */
  readonly openLan: boolean;
  readonly logger: Logger;
  /** Of whose pulls it is served what has come of them. */
  readonly fetching?: FetchBook;
  /** Packages that are offered beside the library's models. */
  readonly packages?: OfferBook;
  /** Those that are kept, and who makes them; without it there are none. */
  readonly differences?: Pick<Differences, 'shelf' | 'desk'>;
  /** Who may read what; without it, whoever was let in. */
  readonly readGate?: ReadGate;
  /** Hears of bytes that were refused. */
  readonly onRefusal?: (refusal: Refusal) => void;
}

export interface Refusal {
  readonly sha256: Sha256;
  readonly modelIds: readonly string[];
  readonly asker: Asker;
}

interface BlobFacts {
  isPublic: boolean;
  readonly modelIds: Set<string>;
}

export class ServedModels {
  readonly #library: ModelLibrary;
  readonly #store: BlobStore;
  readonly #pieceLists: Registry['pieceLists'];
  readonly #openLan: boolean;
  readonly #logger: Logger;
  readonly #fetched: FetchedContent;
  readonly #packages: OfferBook;
  #offered: readonly OfferedModel[] | undefined;
  readonly #readGate: ReadGate;
  readonly #onRefusal: ((refusal: Refusal) => void) | undefined;
  readonly #differences: Pick<Differences, 'shelf' | 'desk'> | undefined;
  #blobs: Map<Sha256, BlobFacts> | undefined;

  constructor(options: ServedModelsOptions) {
    const {
      library,
      store,
      pieceLists,
      openLan,
      logger,
      fetching = new FetchBook(),
      packages = new OfferBook(),
    } = options;
    this.#readGate = options.readGate ?? openReadGate;
    this.#onRefusal = options.onRefusal;
    this.#differences = options.differences;
    this.#library = library;
    this.#store = store;
    this.#pieceLists = pieceLists;
    this.#openLan = openLan;
    this.#logger = logger;
    this.#fetched = new FetchedContent({ store, fetching, pieceLists });
    this.#packages = packages;
    library.changes.on(() => {
      this.#offered = undefined;
      this.#blobs = undefined;
    });
    packages.changes.on(() => {
      this.#blobs = undefined;
    });
  }

  modelCount(): number {
    return this.#models().length;
  }

  async listModels(): Promise<readonly OfferedModel[]> {
    return this.#models();
  }

  /** Of several variants of the newest version, the first by digest; `/v1/blobs/{sha256}` names any other. */
  async getModel(id: ModelId, _viewer: unknown, version?: string): Promise<OfferedModel | undefined> {
    const named = this.#models().filter(
      ({ entry }) => entry.model_id === id && (version ?? entry.version) === entry.version,
    );
    return named.sort((a, b) => compareVersions(b.entry.version, a.entry.version))[0];
  }

  async listFiles(offered: { readonly entry: ModelEntry }): Promise<readonly OfferedFile[]> {
    const { model_id, version, sha256 } = offered.entry;
    const model = this.#models().find(
      ({ entry }) => entry.model_id === model_id && entry.version === version && entry.sha256 === sha256,
    );
    return (model?.model.files ?? []).flatMap(({ path, sizeBytes, sha256: digest }) =>
      digest === undefined ? [] : [{ path, sizeBytes, sha256: digest }],
    );
  }

  async isPublicBlob(sha256: Sha256): Promise<boolean> {
    return this.#offeredBlobs().get(sha256)?.isPublic ?? false;
  }

  /** Throws StoreError `not_held_yet` for a blob that a pull has begun and nothing has come of, NodeError `not_permitted`. */
  async openBlob(sha256: Sha256, asker?: Asker): Promise<OfferedBlob | undefined> {
    this.#verifyReader(sha256, asker);
    if (this.#isOffered(sha256)) return this.#openOffered(sha256);
    return this.#fetched.isFor(sha256, asker) ? this.#fetched.openBlob(sha256) : undefined;
  }

  /** Which pieces of a blob are here, for members those of pulls under way too. Throws as `openBlob`. */
  async openHolding(sha256: Sha256, asker?: Asker): Promise<OfferedHolding | undefined> {
    this.#verifyReader(sha256, asker);
    if (!this.#isOffered(sha256))
      return this.#fetched.isFor(sha256, asker) ? this.#fetched.openHolding(sha256) : undefined;
    const isOffered = (): boolean => this.#isOffered(sha256);
    return this.#fetched.openWhole(sha256, isOffered, (listener) => this.#onChange(listener));
  }

  /** Undefined where `root` is not that of the pieces. Throws as `openBlob` for the list of a pull that waits for it. */
  async pieceHashes(sha256: Sha256, asker?: Asker, root?: string): Promise<Uint8Array | undefined> {
    this.#verifyReader(sha256, asker);
    const list = this.#pieceLists.get(sha256);
    if (root !== undefined && list !== undefined && list.pieceRoot !== root) return undefined;
    if (this.#isOffered(sha256)) return list?.hashes;
    return this.#fetched.isFor(sha256, asker) ? this.#fetched.pieceHashes(sha256) : undefined;
  }

  /** What makes a blob of one of the bases; undefined where nothing does. Throws NodeError `not_permitted`. */
  async difference(
    sha256: Sha256,
    question: DifferenceQuestion,
    asker: Asker = NOBODY,
  ): Promise<DifferenceAnswer | undefined> {
    this.#verifyReader(sha256, asker);
    if (!this.#offeredBlobs().has(sha256)) return undefined;
    return this.#differences?.desk.ask({
      ...{ ...question, target: sha256, account: asker.nodeId ?? asker.kind },
      mayReadBlob: (blob) => this.#mayReadOffered(blob, asker),
      mayReadModels: (modelIds) => this.#readGate.mayRead(modelIds, asker),
    });
  }

  #isOffered(sha256: Sha256): boolean {
    return this.#offeredBlobs().has(sha256) || this.#differences?.shelf.find(sha256) !== undefined;
  }

  /** Undefined for what is not offered. */
  #mayReadOffered(sha256: Sha256, asker: Asker): boolean | undefined {
    const offered = this.#offeredBlobs().get(sha256);
    return offered === undefined ? undefined : offered.isPublic || this.#readGate.mayRead(offered.modelIds, asker);
  }

  /** Of a difference and one of its ends the other can be told: whoever reads it must be one who may read both. */
  #verifyReaderOfDifference(difference: StoredDifference, asker: Asker): void {
    const { base, baseModels, target, targetModels, sha256 } = difference;
    for (const [end, models] of [
      [base, baseModels],
      [target, targetModels],
    ] as const) {
      if (this.#mayReadOffered(end, asker) ?? this.#readGate.mayRead(models, asker)) continue;
      this.#onRefusal?.({ sha256, modelIds: models, asker });
      throw notPermitted(sha256, models[0] ?? '', asker);
    }
  }

  /** Of a blob of several models one that may be read is enough; what is public is everybody's. Throws NodeError `not_permitted`. */
  #verifyReader(sha256: Sha256, asker: Asker = NOBODY): void {
    const offered = this.#offeredBlobs().get(sha256);
    const difference = offered === undefined ? this.#differences?.shelf.find(sha256) : undefined;
    if (difference !== undefined) {
      this.#verifyReaderOfDifference(difference, asker);
      return;
    }
    const modelIds = [...(offered?.modelIds ?? []), ...this.#fetched.modelsOf(sha256)];
    if (modelIds.length === 0 || offered?.isPublic === true || this.#readGate.mayRead(modelIds, asker)) return;
    this.#onRefusal?.({ sha256, modelIds, asker });
    throw notPermitted(sha256, modelIds[0] ?? '', asker);
  }

  async #openOffered(sha256: Sha256): Promise<BlobReader> {
    this.#differences?.shelf.noteUse(sha256);
    try {
      return await this.#store.openRead(sha256);
    } catch (thrown) {
      this.#noteLoss(sha256, thrown);
      throw thrown;
    }
  }

  /** A file that changed or went away is not offered from now on. */
  #noteLoss(sha256: Sha256, thrown: unknown): void {
    if (!(thrown instanceof StoreError) || (thrown.code !== 'blob_changed' && thrown.code !== 'blob_not_found')) return;
    this.#logger.warn(
      { sha256, reason: messageOf(thrown) },
      'a model’s file is not what was hashed; it is not served any more',
    );
    this.#library.lost(sha256);
  }

  #models(): readonly OfferedModel[] {
    this.#offered ??= this.#library.list().flatMap((model) => {
      const entry = toEntry(model);
      return entry === undefined
        ? []
        : [{ entry, model, public: this.#openLan || model.public, createdMs: descriptionOf(model).addedAtMs }];
    });
    return this.#offered;
  }

  #offeredBlobs(): Map<Sha256, BlobFacts> {
    if (this.#blobs !== undefined) return this.#blobs;
    const blobs = new Map<Sha256, BlobFacts>();
    for (const offered of this.#models()) {
      const { entry, model } = offered;
      for (const sha256 of [entry.sha256, ...model.files.map((file) => file.sha256)])
        if (sha256 !== undefined) noteBlob(blobs, sha256, { modelId: entry.model_id, isPublic: offered.public });
    }
    for (const { entry, files } of this.#packages.list())
      for (const sha256 of [entry.sha256, ...files])
        noteBlob(blobs, sha256, { modelId: entry.model_id, isPublic: this.#openLan });
    this.#blobs = blobs;
    return blobs;
  }

  #onChange(listener: () => void): () => void {
    const stops = [this.#library.changes.on(listener), this.#packages.changes.on(listener)];
    if (this.#differences !== undefined) stops.push(this.#differences.shelf.changes.on(listener));
    return () => {
      for (const stop of stops) stop();
    };
  }
}

/** Who does not say who it is. */
const NOBODY: Asker = { kind: 'stranger' };

function noteBlob(
  blobs: Map<Sha256, BlobFacts>,
  sha256: Sha256,
  { modelId, isPublic }: { readonly modelId: string; readonly isPublic: boolean },
): void {
  const facts = blobs.get(sha256) ?? { isPublic: false, modelIds: new Set() };
  facts.isPublic ||= isPublic;
  facts.modelIds.add(modelId);
  blobs.set(sha256, facts);
}

function notPermitted(sha256: Sha256, modelId: string, { role = 'member' }: Asker): NodeError {
  const what = `Reading ${modelId}: the role ${role} may not read it; an admin changes that with`;
  return new NodeError('not_permitted', `${what} \`atmosphere access set ${modelId} --read …,${role}\``, {
    data: { sha256, model_id: modelId, role },
  });
}
