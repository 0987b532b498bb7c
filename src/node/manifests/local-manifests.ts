/**
 * Manifests of the models on this machine as nobody has signed them yet: generated, or come with the model, with the owner's words.
 * Kept in memory; what is remembered is in the registry and outlives scans. Spec: docs/spec/16-manifests.md §10.
 */
import type { Clock } from '../../core/index.ts';
import { type ModelManifest, manifestKey } from '../../protocol/index.ts';
import type { LocalModel, ManifestRepository, ManifestRowKey, StoredManifest } from '../../registry/index.ts';
import { descriptionOf } from '../library/local-entry.ts';
import { generateManifest } from './generate-manifest.ts';
import { applyWords, type OwnerWords } from './owner-words.ts';
import type { ModelHere } from './plan-publishing.ts';

const NO_WORDS: OwnerWords = {};

export class LocalManifests {
  readonly #rows: ManifestRepository;
  readonly #clock: Clock;
  readonly #stored = new Map<string, StoredManifest>();
  readonly #keys = new WeakMap<LocalModel, string>();
  /** Made for this row and what was remembered then. */
  readonly #made = new WeakMap<LocalModel, { readonly stored: StoredManifest | undefined; manifest: ModelManifest }>();

  constructor(rows: ManifestRepository, clock: Clock) {
    this.#rows = rows;
    this.#clock = clock;
    for (const row of rows.list()) this.#stored.set(keyOfRow(row), row);
  }

  /** Undefined for a model whose bytes are not known yet. */
  keyOf(model: LocalModel): string | undefined {
    const { modelId, version, sha256 } = model;
    if (sha256 === undefined) return undefined;
    const known = this.#keys.get(model);
    if (known !== undefined) return known;
    const key = keyOfRow({ modelId, version, sha256 });
    this.#keys.set(model, key);
    return key;
  }

  /** Without the owner's words: generated, or what it came with. Undefined for a model that is not offered. */
  baseOf(model: LocalModel): ModelManifest | undefined {
    const generated = generateManifest(model);
    if (generated === undefined || descriptionOf(model).isPulled !== true) return generated;
    return this.#storedOf(model)?.kept ?? generated;
  }

  manifestOf(model: LocalModel): ModelManifest | undefined {
    const base = this.baseOf(model);
    if (base === undefined) return undefined;
    const stored = this.#storedOf(model);
    const made = this.#made.get(model);
    if (made !== undefined && made.stored === stored) return made.manifest;
    const manifest = this.#apply(base, stored?.words ?? NO_WORDS);
    this.#made.set(model, { stored, manifest });
    return manifest;
  }

  wordsOf(model: LocalModel): OwnerWords {
    return this.#storedOf(model)?.words ?? NO_WORDS;
  }

  modelHere(model: LocalModel): ModelHere | undefined {
    const [key, manifest] = [this.keyOf(model), this.manifestOf(model)];
    if (key === undefined || manifest === undefined) return undefined;
    const hasWords = Object.keys(this.wordsOf(model)).length > 0;
    const isPulled = descriptionOf(model).isPulled === true;
    return { key, manifest, hasWords, isOwners: model.source === 'imported' && !isPulled };
  }

  /** Replaces all that the owner said. */
  setWords(model: LocalModel, words: OwnerWords): void {
    this.#change(model, { words });
  }

  setWithdrawn(model: LocalModel, withdrawn: boolean): void {
    const { withdrawn: _before, ...words } = this.wordsOf(model);
    this.#change(model, { words: withdrawn ? { ...words, withdrawn } : words });
  }

  /** What a model that was pulled came with. */
  keep(model: LocalModel, manifest: ModelManifest): void {
    const kept = this.#storedOf(model)?.kept;
    if (kept === undefined || kept.revision < manifest.revision) this.#change(model, { kept: manifest });
  }

  /** What this node signed, of whichever model. */
  keepSigned(kept: ModelManifest): void {
    const key = { modelId: kept.model_id, version: kept.version, sha256: kept.sha256 };
    this.#put({ ...key, words: this.#stored.get(keyOfRow(key))?.words ?? NO_WORDS, kept });
  }

  /** Words of an older program that do not fit any more are left out, not the model. */
  #apply(base: ModelManifest, words: OwnerWords): ModelManifest {
    try {
      return applyWords(base, words);
    } catch {
      return base;
    }
  }

  #storedOf(model: LocalModel): StoredManifest | undefined {
    const key = this.keyOf(model);
    return key === undefined ? undefined : this.#stored.get(key);
  }

  #change(model: LocalModel, change: Partial<StoredManifest>): void {
    const { modelId, version, sha256 } = model;
    if (sha256 === undefined) return;
    const before = this.#storedOf(model);
    this.#put({ modelId, version, sha256, words: before?.words ?? NO_WORDS, kept: before?.kept, ...change });
  }

  #put(row: StoredManifest): void {
    this.#rows.put(row, this.#clock.nowMs());
    this.#stored.set(keyOfRow(row), row);
  }
}

function keyOfRow({ modelId, version, sha256 }: ManifestRowKey): string {
  return manifestKey({ model_id: modelId, version, sha256 });
}
