/** Opens a package in whatever form it lies. Spec: docs/spec/21-packages.md §1–§3. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KiB } from '../../core/index.ts';
import { AtmoError, toReadError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import { assertPartsThere, type PartPlace } from '../parts/check-parts.ts';
import { type PartsIndex, partName } from '../parts/parts-index.ts';
import type { PackageSource } from '../ports.ts';
import { ArchiveSource } from '../zip/archive-source.ts';
import { FileBytes, JoinedBytes, type Slice } from './byte-source.ts';
import { FolderSource } from './folder-source.ts';
import { MANIFEST_PATH } from './list-folder.ts';
import { type PackageForm, recognisePackage } from './recognise.ts';

/** Throws AtmoError: `not_a_package`, `parts_missing`, and what makes a package one that is refused. */
export async function openPackageSource(path: string): Promise<PackageSource> {
  const source = await openForm(await recognisePackage(path));
  if (source.entries.some((entry) => entry.path === MANIFEST_PATH)) return source;
  await source[Symbol.asyncDispose]();
  throw new AtmoError('not_a_package', `Opening ${path}: it has no ${MANIFEST_PATH}`, { data: { path } });
}

function openForm(form: PackageForm): Promise<PackageSource> {
  switch (form.form) {
    case 'folder':
      return FolderSource.open(form.path);
    case 'archive':
      return FileBytes.open(form.path).then((bytes) => ArchiveSource.open(bytes));
    case 'parts':
      return openParts(
        form.index,
        form.index.parts.map((part) => ({ part, path: join(form.folder, part.name) })),
      );
    case 'numbered':
      return openNumbered(form.folder, form.packageName);
  }
}

/** Parts that all are somewhere, read as one. Throws AtmoError `parts_missing`, `part_altered`. */
export async function openParts(index: PartsIndex, places: readonly PartPlace[]): Promise<PackageSource> {
  await assertPartsThere(index.packageName, places);
  const slices = places.map(({ part, path }) => ({ path, sizeBytes: part.sizeBytes }));
  const source = await ArchiveSource.open(new JoinedBytes(index.packageName, slices));
  try {
    if ((await digestOfManifest(source)) === index.manifestSha256) return source;
    throw new AtmoError(
      'part_altered',
      `Opening ${index.packageName}: its ${MANIFEST_PATH} is not the one that the index of parts names`,
    );
  } catch (thrown) {
    await source[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function digestOfManifest(source: PackageSource): Promise<string> {
  const sizeBytes = source.entries.find(({ path }) => path === MANIFEST_PATH)?.sizeBytes ?? 0;
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(64 * KiB);
  for (let at = 0; at < sizeBytes; ) {
    const count = await source.read(MANIFEST_PATH, buffer, at);
    hash.update(buffer.subarray(0, count));
    at += count;
  }
  return hash.digest('hex');
}

/** Without an index only the archive itself can tell whether all of it is there. */
async function openNumbered(folder: string, packageName: string): Promise<PackageSource> {
  const slices: Slice[] = [];
  for (let index = 0; index < ATMO_LIMITS.parts; index += 1) {
    const path = join(folder, partName(packageName, index));
    const sizeBytes = await sizeOf(path);
    if (sizeBytes === undefined) break;
    slices.push({ path, sizeBytes });
  }
  await assertNoHole(folder, packageName, slices.length);
  return await ArchiveSource.open(new JoinedBytes(packageName, slices));
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    await using file = await FileBytes.open(path);
    return file.sizeBytes;
  } catch (thrown) {
    if (thrown instanceof AtmoError && thrown.data.system === 'ENOENT') return undefined;
    throw thrown;
  }
}

async function assertNoHole(folder: string, packageName: string, count: number): Promise<void> {
  const names = await readdir(folder).catch((thrown) => {
    throw toReadError(thrown, `Listing ${folder}`);
  });
  const later = names.filter(
    (name) => name.startsWith(`${packageName}.`) && /^\d{3}$/.test(name.slice(packageName.length + 1)),
  );
  if (later.length === count) return;
  const missing = partName(packageName, count);
  throw new AtmoError('parts_missing', `Opening ${packageName}: ${missing} is missing`, {
    data: { parts: [{ name: missing, state: 'missing' }] },
  });
}
