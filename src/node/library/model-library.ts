/**
 * The models of this node: what the inventory found and what was pulled, as rows in the registry, with their content in
 * the store. Order of writes: content and piece lists first, the row that says `ready` last, so that a crash at any line
 * leaves models that are looked at again, never one that is offered without its bytes.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, Emitter, type Logger, type ModelId, messageOf, type Sha256 } from '../../core/index.ts';
import type { FileHashes, FoundFile, FoundModel, HashCache } from '../../inventory/index.ts';
import type { FileSetFile, ModelEntry } from '../../protocol/index.ts';
import type { LocalModel, Registry } from '../../registry/index.ts';
import { type BlobStore, placeModel, removeModel } from '../../store/index.ts';
import type { ModelSink, PulledModel } from '../pull/ports.ts';
import { descriptionOf, type FileListBlob, makeFileList, toEntry, toFoundRow, toReadyRow } from './local-entry.ts';
import { toPulledRow } from './pulled-entry.ts';
import { RowCache } from './row-cache.ts';

/** What names one content of a model. */
export type ContentName = Pick<ModelEntry, 'model_id' | 'version' | 'sha256'>;

export interface ModelLibraryDeps {
  readonly registry: Pick<Registry, 'models' | 'pieceLists'>;
  readonly hashCache: HashCache;
  readonly store: BlobStore;
  readonly home: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ModelLibrary implements ModelSink {
  /** Something that is listed or offered has changed. */
  readonly changes = new Emitter<void>();
  readonly #deps: ModelLibraryDeps;
  readonly #rows: RowCache;

  constructor(deps: ModelLibraryDeps) {
    this.#deps = deps;
    this.#rows = new RowCache(deps.registry.models);
  }

  /** By id, then version. The same objects as long as a model's rows stay as they are. */
  list(): readonly LocalModel[] {
    return this.#rows.list();
  }

  /** What the mesh is told: models that are ready, as entries. */
  entries(): ModelEntry[] {
    return this.list().flatMap((model) => toEntry(model) ?? []);
  }

  /** Takes what was found: first rows for what has to be hashed, all at once, then offers for what is hashed already. */
  async take(found: readonly FoundModel[]): Promise<void> {
    const waiting: LocalModel[] = [];
    const hashed: { readonly model: FoundModel; readonly hashes: Map<FoundFile, FileHashes> }[] = [];
    for (const model of newestOfEach(found)) {
      const hashes = this.#hashesOf(model);
      if (model.damaged === undefined && hashes !== undefined) hashed.push({ model, hashes });
      else waiting.push(await this.#toWaiting(model));
    }
    if (waiting.length > 0) this.#deps.registry.models.putAll(waiting);
    if (waiting.length > 0) this.#changed(waiting);
    for (const { model, hashes } of hashed) await this.#makeReady(model, hashes);
    if (hashed.length > 0) this.#changed(hashed.map(({ model }) => model));
  }

  async #toWaiting(found: FoundModel): Promise<LocalModel> {
    const row = this.#keepFlags(toFoundRow(found, this.#deps.clock.nowMs()));
    await this.#dropOlder(found, undefined);
    return row;
  }

  /** The model is no longer where it was found. Its content is forgotten unless something else needs it. */
  async drop(found: Pick<LocalModel, 'modelId' | 'version' | 'source' | 'sourceRef'>): Promise<void> {
    const rows = this.#deps.registry.models.get(found.modelId).filter((row) => isFrom(row, found));
    for (const row of rows) await this.#delete(row);
    this.#changed([found]);
  }

  /** What its name claims, or what it was, it is not: kept in the list with its problem, and offered to nobody. */
  async markDamaged(found: FoundModel, problem: string): Promise<void> {
    const damaged = this.#keepFlags(toFoundRow({ ...found, damaged: problem }, this.#deps.clock.nowMs()));
    for (const row of this.#deps.registry.models.get(found.modelId).filter((one) => isFrom(one, found)))
      await this.#delete(row);
    this.#deps.registry.models.put(damaged);
    this.#changed([found]);
  }

  /** The store no longer has what this digest names: models that need it are not offered any more. */
  lost(sha256: Sha256): void {
    const needing = this.list().filter((model) => model.state === 'ready' && needs(model, sha256));
    for (const model of needing) this.#deps.registry.models.setState(model, 'missing');
    if (needing.length > 0) this.#changed(needing);
  }

  /** Asks the store after each content: for the start, when files may have changed while nobody looked. */
  async check(): Promise<void> {
    const changed: LocalModel[] = [];
    for (const model of this.list().filter(({ state }) => state === 'ready' || state === 'missing')) {
      const isWhole = await this.#isWhole(model);
      if (isWhole === (model.state === 'ready')) continue;
      this.#deps.registry.models.setState(model, isWhole ? 'ready' : 'missing');
      changed.push(model);
    }
    this.#changed(changed);
  }

  async install(model: PulledModel): Promise<string> {
    const { registry, store, home, clock } = this.#deps;
    const { entry, files } = model;
    const links = await Promise.all(files.map((file) => this.#linkOf(file)));
    const clash = registry.models
      .get(entry.model_id)
      .some((row) => row.version === entry.version && row.sha256 !== entry.sha256);
    const place = {
      home,
      modelId: entry.model_id,
      version: entry.version,
      ...(clash ? { variant: entry.sha256 } : {}),
    };
    const folder = await placeModel(place, links);
    const [only] = files;
    const path = entry.file_count === undefined && only !== undefined ? join(folder, only.path) : folder;
    for (const sha256 of new Set([entry.sha256, ...files.map((file) => file.sha256)]))
      await store.addRef(sha256, holderOf(entry.model_id, entry.version, entry.sha256));
    registry.models.put(this.#keepFlags(await toPulledRow(model, { path, folder, nowMs: clock.nowMs() })));
    this.#changed([{ modelId: entry.model_id }]);
    return path;
  }

  async pathOf(entry: ContentName): Promise<string | undefined> {
    const row = this.find(entry);
    if (row === undefined || row.state !== 'ready' || !(await this.#isWhole(row))) return undefined;
    return this.placeOf(row);
  }

  /** Where people and runtimes find it; links are made for files that lie under other names. */
  async placeOf(model: LocalModel): Promise<string> {
    const { path } = descriptionOf(model);
    if (path !== undefined && (await exists(path))) return path;
    const links = model.files.map((file) => ({ path: file.path, blobPath: file.absolutePath }));
    const folder = await placeModel({ home: this.#deps.home, modelId: model.modelId, version: model.version }, links);
    const [only] = model.files;
    return descriptionOf(model).isFileSet || only === undefined ? folder : join(folder, only.path);
  }

  /** Forgets it. Bytes that the store owns and nothing else needs are deleted; adopted files stay. */
  async remove(model: LocalModel): Promise<{ freedBytes: number }> {
    await this.#delete(model);
    const { freedBytes, removed } = await this.#deps.store.collect();
    for (const sha256 of removed) this.#deps.registry.pieceLists.delete(sha256);
    this.#changed([model]);
    return { freedBytes };
  }

  setPublic(modelId: ModelId, isPublic: boolean): void {
    this.#deps.registry.models.setPublic(modelId, isPublic);
    this.#changed([{ modelId }]);
  }

  /** Exactly this content under this name; it may be damaged, or gone. */
  find(entry: ContentName): LocalModel | undefined {
    const rows = this.#deps.registry.models.get(entry.model_id);
    return rows.find((row) => row.version === entry.version && row.sha256 === entry.sha256);
  }

  #hashesOf(found: FoundModel): Map<FoundFile, FileHashes> | undefined {
    const hashes = new Map<FoundFile, FileHashes>();
    for (const file of found.files) {
      const known = this.#deps.hashCache.get(file.fingerprint);
      if (known === undefined) return undefined;
      hashes.set(file, known);
    }
    return hashes;
  }

  async #makeReady(found: FoundModel, hashes: ReadonlyMap<FoundFile, FileHashes>): Promise<void> {
    const { registry, clock } = this.#deps;
    const wrong = found.files.find((file) => isWrong(file.claimedSha256, hashes.get(file)));
    if (wrong !== undefined)
      return this.markDamaged(found, `${wrong.path} is not what its name claims (${wrong.claimedSha256})`);
    const plain = toReadyRow(found, hashes, undefined, clock.nowMs());
    const list = found.isFileSet ? makeFileList(plain.files.map(toSetFile)) : undefined;
    const row = this.#keepFlags(toReadyRow(found, hashes, list, clock.nowMs()));
    const known = registry.models.get(row.modelId).find((one) => isSameContent(one, row));
    if (known !== undefined && known.state === 'ready' && (await this.#isWhole(known))) return;
    await this.#dropOlder(found, row.sha256);
    await this.#store(found, hashes, row, list);
    registry.models.put(row);
  }

  /** What was found at the same place before and has other content now. */
  async #dropOlder(found: FoundModel, sha256: Sha256 | undefined): Promise<void> {
    const rows = this.#deps.registry.models.get(found.modelId).filter((row) => isFrom(row, found));
    for (const row of rows) if (row.sha256 !== sha256 && row.sha256 !== undefined) await this.#delete(row);
  }

  async #store(
    found: FoundModel,
    hashes: ReadonlyMap<FoundFile, FileHashes>,
    row: LocalModel,
    list: FileListBlob | undefined,
  ): Promise<void> {
    const { registry, store } = this.#deps;
    const holder = holderOf(row.modelId, row.version, row.sha256);
    for (const [index, file] of found.files.entries()) {
      const known = hashes.get(file);
      const pieceRoot = row.files[index]?.pieceRoot;
      if (known === undefined || pieceRoot === undefined) continue;
      const { sizeBytes } = file.fingerprint;
      registry.pieceLists.put(known.sha256, { sizeBytes, pieceRoot, hashes: known.pieceHashes });
      await store.adopt(known.sha256, file.absolutePath, file.fingerprint);
      await store.addRef(known.sha256, holder);
    }
    if (list === undefined) return;
    const { sha256, bytes, pieceRoot, pieceHashes } = list;
    await store.put(sha256, bytes);
    registry.pieceLists.put(sha256, { sizeBytes: bytes.length, pieceRoot, hashes: pieceHashes });
    await store.addRef(sha256, holder);
  }

  /** The owner's choices outlive a new look at the same model. */
  #keepFlags(row: LocalModel): LocalModel {
    const known = this.#deps.registry.models.get(row.modelId);
    return { ...row, public: known.some((one) => one.public) };
  }

  async #linkOf(file: FileSetFile): Promise<{ path: string; blobPath: string }> {
    const blob = await this.#deps.store.stat(file.sha256);
    if (blob === undefined) throw new Error(`Placing ${file.path}: its content left the store`);
    return { path: file.path, blobPath: blob.path };
  }

  async #isWhole(model: LocalModel): Promise<boolean> {
    const digests = new Set([model.sha256, ...model.files.map((file) => file.sha256)]);
    for (const sha256 of digests) {
      if (sha256 === undefined || (await this.#deps.store.stat(sha256)) === undefined) return false;
    }
    return true;
  }

  async #delete(model: LocalModel): Promise<void> {
    const { registry, store, home, logger } = this.#deps;
    registry.models.delete(model);
    const holder = holderOf(model.modelId, model.version, model.sha256);
    for (const sha256 of new Set([model.sha256, ...model.files.map((file) => file.sha256)]))
      if (sha256 !== undefined) await store.removeRef(sha256, holder);
    const place = { home, modelId: model.modelId, version: model.version };
    const variants = model.sha256 === undefined ? [place] : [place, { ...place, variant: model.sha256 }];
    const others = registry.models.get(model.modelId).some((row) => row.version === model.version);
    for (const one of others ? variants.slice(1) : variants)
      await removeModel(one).catch((thrown: unknown) => logger.warn({ err: messageOf(thrown) }, 'model links stay'));
  }

  #changed(models: readonly Pick<LocalModel, 'modelId'>[]): void {
    for (const { modelId } of models) this.#rows.forget(modelId);
    this.changes.emit();
  }
}

/** Of a model that was found and then verified in one batch, the later. */
function newestOfEach(found: readonly FoundModel[]): Iterable<FoundModel> {
  return new Map(
    found.map((model) => [[model.source, model.sourceRef, model.modelId, model.version].join('\n'), model]),
  ).values();
}

function needs(model: LocalModel, sha256: Sha256): boolean {
  return model.sha256 === sha256 || model.files.some((file) => file.sha256 === sha256);
}

function isFrom(row: LocalModel, found: Pick<LocalModel, 'version' | 'source' | 'sourceRef'>): boolean {
  if (descriptionOf(row).isPulled === true) return false;
  return row.version === found.version && row.source === found.source && row.sourceRef === found.sourceRef;
}

/** A pulled one stays the store's own, wherever else the same bytes are found. */
function isSameContent(known: LocalModel, found: LocalModel): boolean {
  if (known.version !== found.version || known.sha256 !== found.sha256) return false;
  return (
    descriptionOf(known).isPulled === true || (known.source === found.source && known.sourceRef === found.sourceRef)
  );
}

function isWrong(claimed: Sha256 | undefined, hashes: FileHashes | undefined): boolean {
  return claimed !== undefined && hashes !== undefined && claimed !== hashes.sha256;
}

/** Only of files that are hashed. */
function toSetFile(file: LocalModel['files'][number]): FileSetFile {
  if (file.sha256 === undefined || file.pieceRoot === undefined) throw new TypeError(`${file.path} is not hashed`);
  return { path: file.path, size_bytes: file.sizeBytes, sha256: file.sha256, piece_root: file.pieceRoot };
}

function holderOf(modelId: string, version: string, sha256: string | undefined): string {
  return `model:${modelId}@${version}#${sha256 ?? ''}`;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
