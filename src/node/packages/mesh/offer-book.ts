/**
 * The packages that this node offers now: told to the mesh beside the library's models, and served with all their blobs. In memory:
 * made anew from what is installed at each start.
 */
import { Emitter, type Sha256 } from '../../../core/index.ts';
import type { ModelEntry } from '../../../protocol/index.ts';

export interface OwnOffer {
  readonly entry: ModelEntry;
  /** Those of its files; the file list is named by the entry. */
  readonly files: readonly Sha256[];
}

export class OfferBook {
  readonly changes = new Emitter<void>();
  #offers: readonly OwnOffer[] = [];

  list(): readonly OwnOffer[] {
    return this.#offers;
  }

  entries(): ModelEntry[] {
    return this.#offers.map(({ entry }) => entry);
  }

  /** From now on these, and no others. */
  replace(offers: readonly OwnOffer[]): void {
    const isSame = JSON.stringify(offers) === JSON.stringify(this.#offers);
    this.#offers = offers;
    if (!isSame) this.changes.emit();
  }
}
