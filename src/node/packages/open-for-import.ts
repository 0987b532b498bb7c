/**
 * What lies at a path, ready to be imported: a package, or parts of one. Parts that are all on the medium are read from there; else
 * those that are there are taken into the inbox, where others wait. Spec: docs/spec/21-packages.md §3, §8.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AtmoError,
  indexDigest,
  indexName,
  openPackageSource,
  type PackageForm,
  type PackageSource,
  type PartsInbox,
  recognisePackage,
  type WaitingPackage,
} from '../../atmo/index.ts';

export interface OpenOptions {
  readonly inbox: () => Promise<PartsInbox>;
  /** Bytes of parts that were copied since the last call. */
  readonly onBytes: (byteCount: number) => void;
  readonly signal: AbortSignal;
}

export type OpenedForImport =
  | { readonly source: PackageSource; readonly whenInstalled: () => Promise<void> }
  | { readonly waiting: WaitingParts };

export interface WaitingParts {
  readonly packageName: string;
  /** Undefined while the index has not come. */
  readonly package: WaitingPackage | undefined;
}

type PartsForm = Extract<PackageForm, { readonly folder: string }>;

/** Throws AtmoError. */
export async function openForImport(path: string, options: OpenOptions): Promise<OpenedForImport> {
  const form = await recognisePackage(path);
  try {
    return { source: await openPackageSource(path), whenInstalled: () => forgetParts(form, options) };
  } catch (thrown) {
    if (!('folder' in form) || !isForInbox(thrown)) throw thrown;
    return await takeParts(form, options);
  }
}

/** Parts that came one by one before all of them lay on one medium wait for nothing any more. */
async function forgetParts(form: PackageForm, { inbox: openInbox }: OpenOptions): Promise<void> {
  if (form.form !== 'parts') return;
  const id = indexDigest(form.index);
  const inbox = await openInbox();
  const { packages } = await inbox.status();
  if (packages.some((waiting) => waiting.id === id)) await inbox.discard(id);
}

/** Not all of it is here. Without an index only the archive itself can tell. */
function isForInbox(thrown: unknown): boolean {
  return (
    thrown instanceof AtmoError && ['parts_missing', 'truncated', 'bad_archive', 'not_a_package'].includes(thrown.code)
  );
}

async function takeParts(
  form: PartsForm,
  { inbox: openInbox, onBytes, signal }: OpenOptions,
): Promise<OpenedForImport> {
  const inbox = await openInbox();
  for (const file of await filesOf(form)) await inbox.accept(file, { onBytes, signal });
  const packageName = form.form === 'parts' ? form.index.packageName : form.packageName;
  const { packages } = await inbox.status();
  const named = packages.filter((one) => one.packageName === packageName);
  const whole = named.find(({ isWhole }) => isWhole);
  if (whole === undefined) return { waiting: { packageName, package: named.at(-1) } };
  return { source: await inbox.openPackage(whole.id), whenInstalled: () => inbox.discard(whole.id) };
}

/** The index first: it says what the parts are. */
async function filesOf(form: PartsForm): Promise<string[]> {
  const there = new Set(await readdir(form.folder));
  const names =
    form.form === 'parts'
      ? [indexName(form.index.packageName), ...form.index.parts.map(({ name }) => name)]
      : [...there].filter((name) => name.startsWith(`${form.packageName}.`) && /\.\d{3}$/.test(name)).sort();
  return names.filter((name) => there.has(name)).map((name) => join(form.folder, name));
}
