/** The contents of packages in the store: which are kept by whom, and what goes when nobody does. Spec: docs/spec/21-packages.md §8. */
import type { PackageVersion, Registry } from '../../registry/index.ts';
import { type BlobStore, StoreError } from '../../store/index.ts';
import type { ContentPort } from './install-ports.ts';
import { contentsOf, holderOf } from './plan-install.ts';

export interface PackageContentDeps {
  readonly store: BlobStore;
  readonly pieceLists: Pick<Registry['pieceLists'], 'delete'>;
}

export class PackageContent implements ContentPort {
  readonly #deps: PackageContentDeps;

  constructor(deps: PackageContentDeps) {
    this.#deps = deps;
  }

  /** May come before the contents. */
  async keep(version: PackageVersion): Promise<void> {
    for (const sha256 of contentsOf(version)) await this.#deps.store.addRef(sha256, holderOf(version));
  }

  async release(version: PackageVersion): Promise<void> {
    const { store, pieceLists } = this.#deps;
    for (const sha256 of contentsOf(version)) await store.removeRef(sha256, holderOf(version));
    await this.#discardParts(version);
    for (const sha256 of (await store.collect()).removed) pieceLists.delete(sha256);
  }

  /** Of an install that was adopted by the next: what only the old one wanted. */
  async releaseOthers(old: PackageVersion, kept: PackageVersion): Promise<void> {
    const { store } = this.#deps;
    const wanted = contentsOf(kept);
    for (const sha256 of contentsOf(old)) {
      if (wanted.has(sha256)) continue;
      await store.removeRef(sha256, holderOf(old));
      await store.remove(sha256).catch(unless('blob_in_use'));
    }
  }

  /** Paths of what is not here. */
  async missing(version: PackageVersion): Promise<string[]> {
    const missing: string[] = [];
    for (const { path, sha256 } of version.members)
      if ((await this.#deps.store.stat(sha256)) === undefined) missing.push(path);
    return missing;
  }

  async #discardParts(version: PackageVersion): Promise<void> {
    const wanted = contentsOf(version);
    for (const { sha256 } of await this.#deps.store.listParts())
      if (wanted.has(sha256)) await this.#deps.store.discardPart(sha256).catch(unless('blob_busy'));
  }
}

/** Somebody else needs it, or a pull of the same content goes on with it. */
function unless(code: StoreError['code']) {
  return (thrown: unknown): void => {
    if (!(thrown instanceof StoreError) || thrown.code !== code) throw thrown;
  };
}
