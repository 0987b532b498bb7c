/** What lies at a path, by its content; its name only says which files belong together. Spec: docs/spec/21-packages.md §3. */
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { compareText, systemCodeOf } from '../../core/index.ts';
import { AtmoError, toReadError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import { indexName, type PartsIndex, parsePartsIndex } from '../parts/parts-index.ts';
import { END_BYTES, END_SIGNATURE, LOCAL_SIGNATURE } from '../zip/records.ts';
import { FileBytes } from './byte-source.ts';
import { MANIFEST_PATH } from './list-folder.ts';

export type PackageForm =
  | { readonly form: 'folder' | 'archive'; readonly path: string }
  | { readonly form: 'parts'; readonly folder: string; readonly index: PartsIndex }
  /** Parts without their index: as many as there are. */
  | { readonly form: 'numbered'; readonly folder: string; readonly packageName: string };

/** A link that the user names is followed; none that lies in a package is. Throws AtmoError `not_a_package`, `bad_index`, `unreadable`. */
export async function recognisePackage(given: string): Promise<PackageForm> {
  try {
    const path = await realpath(given);
    const stats = await stat(path);
    if (stats.isDirectory()) return await recogniseFolder(path);
    if (stats.isFile()) return await recogniseFile(path);
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') throw notPackage(given, 'there is no such file or folder');
    throw toReadError(thrown, `Opening ${given}`);
  }
  throw notPackage(given, 'it is neither a file nor a folder');
}

/** An unpacked package; or what a medium has on it, where that is one package. */
async function recogniseFolder(path: string): Promise<PackageForm> {
  if (await isFile(join(path, MANIFEST_PATH))) return { form: 'folder', path };
  const names = (await readdir(path)).filter((name) => PACKAGE_FILE.test(name)).sort(byForm);
  const packages = [...new Set(names.map((name) => name.replace(PACKAGE_FILE, '.atmo')))];
  const [first] = names;
  if (first !== undefined && packages.length === 1) return await recogniseFile(join(path, first));
  const hint = packages.length === 0 ? '' : `; in it lie ${packages.slice(0, 5).join(', ')}: say which`;
  throw notPackage(path, `it is a folder without ${MANIFEST_PATH}${hint}`);
}

const PACKAGE_FILE = /\.atmo(\.\d{3}|\.parts\.json)?$/;

/** The archive itself, an index, a part. */
function byForm(one: string, other: string): number {
  const rank = (name: string) => (name.endsWith('.atmo') ? 0 : name.endsWith('.json') ? 1 : 2);
  return rank(one) - rank(other) || compareText(one, other);
}

async function recogniseFile(path: string): Promise<PackageForm> {
  const head = await readHead(path);
  const folder = dirname(path);
  if (isIndex(head)) return { form: 'parts', folder, index: await readPartsIndex(path) };
  const packageName = /^(.+\.atmo)\.\d{3}$/.exec(basename(path))?.[1];
  if (packageName !== undefined) return await recognisePart(folder, packageName);
  if (isSigned(head, LOCAL_SIGNATURE) || isSigned(await readEndOf(path), END_SIGNATURE))
    return { form: 'archive', path };
  throw notPackage(path, `it is ${kindOf(head)}`);
}

async function recognisePart(folder: string, packageName: string): Promise<PackageForm> {
  const index = join(folder, indexName(packageName));
  if (await isFile(index)) return { form: 'parts', folder, index: await readPartsIndex(index) };
  return { form: 'numbered', folder, packageName };
}

export async function readPartsIndex(path: string): Promise<PartsIndex> {
  await using file = await FileBytes.open(path);
  const bytes = Buffer.alloc(Math.min(file.sizeBytes, ATMO_LIMITS.partsIndexBytes + 1));
  await file.read(bytes, 0);
  return parsePartsIndex(bytes);
}

/** Whether what begins so says that it is an index. */
export function isIndex(head: Buffer): boolean {
  return /^\s*\{/.test(head.toString('latin1')) && head.includes('"package_parts"');
}

const HEAD_BYTES = 512;

export async function readHead(path: string): Promise<Buffer> {
  await using file = await FileBytes.open(path);
  const head = Buffer.alloc(Math.min(HEAD_BYTES, file.sizeBytes));
  return head.subarray(0, await file.read(head, 0));
}

/** An archive with something before it is one, too: a bad one. */
async function readEndOf(path: string): Promise<Buffer> {
  await using file = await FileBytes.open(path);
  const end = Buffer.alloc(END_BYTES);
  return end.subarray(0, await file.read(end, Math.max(0, file.sizeBytes - END_BYTES)));
}

function isSigned(bytes: Buffer, signature: number): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === signature;
}

export async function isFile(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

const KINDS: readonly (readonly [magic: string, words: string])[] = [
  ['\x1f\x8b', 'compressed with gzip'],
  ['\x28\xb5\x2f\xfd', 'compressed with zstd'],
  ['\xfd7zXZ', 'compressed with xz'],
  ['7z\xbc\xaf', 'a 7z archive'],
  ['Rar!', 'a RAR archive'],
  ['PK\x05\x06', 'an empty zip archive'],
  ['PK', 'another sort of zip archive, or a part of one'],
  ['GGUF', 'a GGUF model; `atmosphere model import` takes it'],
  ['\x7fELF', 'a program'],
  ['MZ', 'a program'],
  ['{', 'JSON, and no index of parts'],
];

function kindOf(head: Buffer): string {
  if (head.length === 0) return 'empty';
  const text = head.toString('latin1');
  if (text.slice(257, 262) === 'ustar') return 'a tar archive';
  return KINDS.find(([magic]) => text.startsWith(magic))?.[1] ?? 'a file of another sort';
}

function notPackage(path: string, what: string): AtmoError {
  return new AtmoError(
    'not_a_package',
    `Opening ${path}: ${what}; wanted an .atmo file, its folder, a part under its own name (….atmo.001) or an index of parts`,
    { data: { path } },
  );
}
