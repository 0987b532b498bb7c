/** What this node has whole, as differences see it: its models, and what others add. Spec: docs/spec/22-differences.md §7.2. */
import { type ModelEntry, parseParentRef } from '../../protocol/index.ts';
import type { LocalModel, ManifestRowKey } from '../../registry/index.ts';
import { descriptionOf } from '../library/local-entry.ts';
import type { WantedDifference } from '../pull/ports.ts';
import type { KnownContent, WantedFile } from './base-candidates.ts';

export interface KnownContentsOptions {
  readonly library: {
    list(): readonly LocalModel[];
    readonly changes: { on(listener: () => void): () => void };
  };
  /** What a manifest says that a content was made from. */
  parentOf(content: ManifestRowKey): string | undefined;
}

/** Contents that are no models, such as packages. */
export type MoreContents = () => readonly KnownContent[];

export class KnownContents implements Disposable {
  readonly #options: KnownContentsOptions;
  readonly #more: MoreContents[] = [];
  readonly #stop: () => void;
  #models: readonly KnownContent[] | undefined;

  constructor(options: KnownContentsOptions) {
    this.#options = options;
    this.#stop = options.library.changes.on(() => this.forget());
  }

  /** What is said of them is another. */
  forget(): void {
    this.#models = undefined;
  }

  /** They are asked for anew each time. */
  add(more: MoreContents): void {
    this.#more.push(more);
  }

  list(): readonly KnownContent[] {
    this.#models ??= this.#options.library.list().flatMap((model) => this.#toKnown(model) ?? []);
    return this.#more.length === 0 ? this.#models : [...this.#models, ...this.#more.flatMap((more) => more())];
  }

  /** Undefined for what is no file of a model: its file list. */
  describe({ target, blob }: WantedDifference): WantedFile | undefined {
    const { entry } = target;
    if (blob.path === undefined) return undefined;
    const { model_id: modelId, version, sha256 } = entry;
    const parents = [
      ...parentsOf(entry.base_model, entry.metadata),
      this.#options.parentOf({ modelId, version, sha256 }),
    ];
    return {
      ...{ modelId, version, parents: cleaned(parents) },
      file: { path: blob.path, sizeBytes: blob.sizeBytes, sha256: blob.sha256 },
    };
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #toKnown(model: LocalModel): KnownContent | undefined {
    const { modelId, version, sha256, state } = model;
    if (state !== 'ready' || sha256 === undefined) return undefined;
    const { baseModel, metadata } = descriptionOf(model);
    const files = model.files.flatMap(({ path, sizeBytes, sha256: digest }) =>
      digest === undefined ? [] : [{ path, sizeBytes, sha256: digest }],
    );
    const parents = cleaned([...parentsOf(baseModel, metadata), this.#options.parentOf({ modelId, version, sha256 })]);
    return { modelId, version, parents, files };
  }
}

type Metadata = ModelEntry['metadata'];

function parentsOf(baseModel: string | undefined, metadata: Metadata | undefined): (string | undefined)[] {
  const parent = metadata?.parent_model;
  return [baseModel, typeof parent === 'string' ? parent : undefined];
}

/** Those that name something, each once. */
function cleaned(refs: readonly (string | undefined)[]): string[] {
  return [...new Set(refs.flatMap((ref) => (ref === undefined || parseParentRef(ref).modelId === '' ? [] : [ref])))];
}
