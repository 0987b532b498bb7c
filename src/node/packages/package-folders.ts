/**
 * `packages/<id>/<version>/`: the files of a version as links to blobs, for people and agents, and `packages/<id>/current`. Views: the
 * database says what is installed, and each of these is made again from it. Spec: docs/spec/21-packages.md §8.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePackageId, parsePackageVersion, parseRelativePath } from '../../protocol/index.ts';
import type { PackageVersion } from '../../registry/index.ts';
import { type BlobStore, moveAside, placeLinks, swapLink } from '../../store/index.ts';
import { PackageError } from './errors.ts';
import type { FoldersPort } from './install-ports.ts';

const SCRATCH = '.building-';
const CURRENT = 'current';

export class PackageFolders implements FoldersPort {
  readonly #folder: string;
  readonly #store: Pick<BlobStore, 'stat'>;

  constructor(home: string, store: Pick<BlobStore, 'stat'>) {
    this.#folder = join(home, 'packages');
    this.#store = store;
  }

  folderOf({ id, version }: Pick<PackageVersion, 'id' | 'version'>): string {
    return join(this.#folder, parsePackageId(id), parsePackageVersion(version));
  }

  async place(version: PackageVersion): Promise<void> {
    const files = [];
    for (const { path, sha256 } of version.members)
      files.push({ path: parseRelativePath(path), blobPath: await this.#blobPath(version, path, sha256) });
    await placeLinks(this.folderOf(version), files, { building: this.#scratch(), aside: this.#scratch() });
  }

  async setCurrent(id: string, version: string | undefined): Promise<void> {
    const folder = join(this.#folder, parsePackageId(id));
    const link = join(folder, CURRENT);
    if (version !== undefined) return await swapLink(link, parsePackageVersion(version), this.#scratch());
    await rm(link, { force: true });
    await rmdir(folder).catch(() => {});
  }

  async drop(version: Pick<PackageVersion, 'id' | 'version'>): Promise<void> {
    await moveAside(this.folderOf(version), this.#scratch());
    await rmdir(join(this.#folder, parsePackageId(version.id))).catch(() => {});
  }

  /** What a crash left half-built; for the start. */
  async removeScratch(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names)
      if (name.startsWith(SCRATCH)) await rm(join(this.#folder, name), { recursive: true, force: true });
  }

  async #blobPath(version: PackageVersion, path: string, sha256: PackageVersion['members'][number]['sha256']) {
    const blob = await this.#store.stat(sha256);
    if (blob !== undefined) return blob.path;
    const what = `Placing ${version.id} ${version.version}: the content of ${path} left the store`;
    throw new PackageError('previous_incomplete', what, { data: { path, sha256 } });
  }

  #scratch(): string {
    return join(this.#folder, `${SCRATCH}${randomBytes(8).toString('hex')}`);
  }
}
