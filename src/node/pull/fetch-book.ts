/**
 * Which blobs this node fetches now, pull by pull: told to the mesh, and served to members piece by piece before the
 * model is whole. In memory only: what no pull works on is nobody's part. Spec: docs/spec/04-catalog.md §4.
 */
import { Emitter, type ModelId, type Sha256 } from '../../core/index.ts';

/** One pull. Over when it is disposed of. */
export interface FetchedBlobs extends Disposable {
  /** This one too, from now on. */
  add(sha256: Sha256): void;
}

export class FetchBook {
  /** A blob came or a pull is over. */
  readonly changes = new Emitter<void>();
  /** The blobs of each pull and the model it is for, the one that its entry names first; oldest pull first. */
  readonly #pulls = new Map<Set<Sha256>, ModelId>();

  begin(named: Sha256, modelId: ModelId): FetchedBlobs {
    const blobs = new Set([named]);
    this.#pulls.set(blobs, modelId);
    this.changes.emit();
    return {
      add: (sha256) => {
        if (blobs.has(sha256)) return;
        blobs.add(sha256);
        if (this.#pulls.has(blobs)) this.changes.emit();
      },
      [Symbol.dispose]: () => {
        if (this.#pulls.delete(blobs)) this.changes.emit();
      },
    };
  }

  has(sha256: Sha256): boolean {
    for (const blobs of this.#pulls.keys()) if (blobs.has(sha256)) return true;
    return false;
  }

  /** The models that a blob is fetched for. */
  modelsOf(sha256: Sha256): ModelId[] {
    return [...this.#pulls].flatMap(([blobs, modelId]) => (blobs.has(sha256) ? [modelId] : []));
  }

  /** At most `most`: what each pull is named by, then files, in both the newest first. */
  newest(most: number): Sha256[] {
    const pulls = [...this.#pulls.keys()].reverse();
    const named = pulls.flatMap((blobs) => [...blobs].slice(0, 1));
    const files = pulls.flatMap((blobs) => [...blobs].slice(1).reverse());
    return [...new Set([...named, ...files])].slice(0, most);
  }
}
