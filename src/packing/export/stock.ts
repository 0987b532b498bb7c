/**
 * Where the files of a package that is exported come from: a package that lies somewhere, or one that a node keeps, whose files the daemon
 * named. Spec: docs/spec/21-packages.md §14.
 */
import { type MemberToWrite, openPackageSource, type PackageSource, readPaper } from '../../atmo/index.ts';
import { PACKAGE_FILES, type PackageManifest, PROTOCOL_LIMITS, parsePackageManifest } from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';
import { readSmallFile } from '../read/read-small-file.ts';

type Content = Exclude<MemberToWrite['content'], Uint8Array>;

export interface Stock extends AsyncDisposable {
  readonly name: string;
  /** As it lies: what was signed is not written anew. */
  readonly manifest: Buffer;
  readonly custody: string;
  /** Undefined for what is not there. */
  readonly sizeOf: (path: string) => number | undefined;
  readonly contentOf: (path: string) => Content;
  /** Every file, in order. */
  readonly paths: readonly string[];
}

/** Throws AtmoError for what is no package. */
export async function openFileStock(path: string): Promise<Stock> {
  const source = await openPackageSource(path);
  try {
    const sizes = new Map(source.entries.map((entry) => [entry.path, entry.sizeBytes]));
    return {
      name: source.name,
      manifest: await paperOf(source, PACKAGE_FILES.manifest),
      custody: (await paperOf(source, PACKAGE_FILES.custody)).toString(),
      sizeOf: (member) => sizes.get(member),
      contentOf: (member) => ({ read: (buffer, position) => source.read(member, buffer, position) }),
      paths: [...sizes.keys()],
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  } catch (thrown) {
    await source[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** Empty where it is not there. */
async function paperOf(source: PackageSource, path: string): Promise<Buffer> {
  return (await readPaper(source, path, PROTOCOL_LIMITS.packageManifestBytes))?.bytes ?? Buffer.alloc(0);
}

/** A package that a node keeps: `path` is as in the package, `file` where it lies. */
export interface KeptPackage {
  readonly id: string;
  readonly version: string;
  readonly members: readonly { readonly path: string; readonly file: string; readonly size_bytes: number }[];
}

/** Throws PackingError `incomplete_package`, `folder_unreadable`. */
export async function openKeptStock({ id, version, members }: KeptPackage): Promise<Stock> {
  const files = new Map(members.map((member) => [member.path, member]));
  const fileOf = (path: string): string => {
    const found = files.get(path);
    if (found !== undefined) return found.file;
    throw new PackingError('incomplete_package', `Exporting ${id} ${version}: it has no ${path} here`);
  };
  return {
    name: `${id} ${version}`,
    manifest: await readSmallFile(fileOf(PACKAGE_FILES.manifest)),
    custody: files.has(PACKAGE_FILES.custody) ? (await readSmallFile(fileOf(PACKAGE_FILES.custody))).toString() : '',
    sizeOf: (path) => files.get(path)?.size_bytes,
    contentOf: (path) => ({ file: fileOf(path) }),
    paths: [...files.keys()],
    async [Symbol.asyncDispose]() {},
  };
}

/** A small file of it, whole. */
export async function readWhole(stock: Stock, path: string): Promise<Buffer> {
  const content = stock.contentOf(path);
  if ('file' in content) return await readSmallFile(content.file);
  const sizeBytes = stock.sizeOf(path) ?? 0;
  if (sizeBytes > PROTOCOL_LIMITS.packageManifestBytes)
    throw new PackingError('incomplete_package', `Reading ${path} of ${stock.name}: ${sizeBytes} bytes are too many`);
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; ) {
    const count = await content.read(bytes.subarray(at), at);
    if (count === 0) throw new PackingError('incomplete_package', `Reading ${path} of ${stock.name}: it is cut off`);
    at += count;
  }
  return bytes;
}

/** Throws ProtocolError `malformed`. */
export function parseManifestOf(stock: Stock): PackageManifest {
  return parsePackageManifest(stock.manifest);
}
