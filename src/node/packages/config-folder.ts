/**
 * `config/<id>/`: a package's configuration as real files that the operator may edit. A step builds the whole new folder beside the old
 * one, of links to the files that stay, and two renames change them; the old one lies aside until the install is over, so that it comes
 * back as it was. A file that is replaced or goes away stays beside it as `<name>.previous`. Spec: docs/spec/21-packages.md §9.
 *
 * Aside, `config/.install-<install>/` has `next` while it is built, then `before` (or `none`, where there was no folder) from the first
 * rename on; without `next`, the second was done too.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemCodeOf } from '../../core/index.ts';
import { parsePackageId, parseRelativePath } from '../../protocol/index.ts';
import type { KeptMember, PackageVersion } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import { configDiff } from './config-diff.ts';
import { PackageError } from './errors.ts';
import type { ConfigPort, ConfigStep } from './install-ports.ts';
import { PACKAGE_LIMITS } from './limits.ts';
import { linkTree } from './link-tree.ts';
import { PREVIOUS } from './make-target.ts';
import type { ConfigChange } from './ports.ts';

const SECTION = 'config/';
const ASIDE = '.install-';

export class ConfigFolder implements ConfigPort {
  readonly #folder: string;
  readonly #store: Pick<BlobStore, 'stat'>;

  constructor(home: string, store: Pick<BlobStore, 'stat'>) {
    this.#folder = join(home, 'config');
    this.#store = store;
  }

  folderOf(id: string): string {
    return join(this.#folder, parsePackageId(id));
  }

  /** Where it is, if it is there. */
  async keptFolder(id: string): Promise<string | undefined> {
    const folder = this.folderOf(id);
    return (await isThere(folder)) ? folder : undefined;
  }

  async look(target: PackageVersion, before: PackageVersion | undefined): Promise<PackageVersion['keptConfig']> {
    await assertFolder(this.folderOf(target.id));
    return before === undefined ? [] : await this.#edited(before);
  }

  async #edited(version: PackageVersion): Promise<PackageVersion['keptConfig']> {
    const kept = [];
    let keptBytes = 0;
    for (const member of configOf(version)) {
      const file = join(this.folderOf(version.id), placeOf(member));
      const size = await sizeOf(file);
      if (size === undefined || (size === member.sizeBytes && (await digestOf(file)) === member.sha256)) continue;
      keptBytes += size;
      if (keptBytes > PACKAGE_LIMITS.keptConfigBytes) throw tooMuch(version.id);
      kept.push({ path: member.path, base64: (await readFile(file)).toString('base64') });
    }
    return kept;
  }

  async apply({ install, target, before }: ConfigStep): Promise<readonly ConfigChange[]> {
    const aside = this.#aside(install);
    const live = this.folderOf(target.id);
    let changes: readonly ConfigChange[] = [];
    if (!(await isSwapBegun(aside))) {
      changes = await this.#build({ install, target, before });
      if (await isThere(live)) await rename(live, join(aside, 'before'));
      else await mkdir(join(aside, 'none'));
    }
    if (await isThere(join(aside, 'next'))) await rename(join(aside, 'next'), live);
    return changes;
  }

  async restore({ target, install }: Pick<ConfigStep, 'target' | 'install'>): Promise<void> {
    const aside = this.#aside(install);
    if (!(await isSwapBegun(aside))) return;
    const live = this.folderOf(target.id);
    await rm(join(aside, 'next'), { recursive: true, force: true });
    if (await isThere(live)) {
      await rm(join(aside, 'after'), { recursive: true, force: true });
      await rename(live, join(aside, 'after'));
    }
    if (await isThere(join(aside, 'before'))) await rename(join(aside, 'before'), live);
    await rm(join(aside, 'none'), { recursive: true, force: true });
  }

  async settle({ install }: Pick<ConfigStep, 'install'>): Promise<void> {
    await rm(this.#aside(install), { recursive: true, force: true });
  }

  /** For the start: what no journal row knows. */
  async removeForgotten(known: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => []))
      if (name.startsWith(ASIDE) && !known.has(name.slice(ASIDE.length)))
        await rm(join(this.#folder, name), { recursive: true, force: true });
  }

  #aside(install: string): string {
    return join(this.#folder, `${ASIDE}${parseRelativePath(install)}`);
  }

  /** The whole folder as it will be. */
  async #build({ install, target, before }: ConfigStep): Promise<ConfigChange[]> {
    const next = join(this.#aside(install), 'next');
    await rm(this.#aside(install), { recursive: true, force: true });
    await mkdir(next, { recursive: true });
    await assertFolder(this.folderOf(target.id));
    await linkTree(this.folderOf(target.id), next);
    const changes: ConfigChange[] = [];
    const names = { before: before?.version ?? '', after: target.version };
    for (const member of configOf(target)) {
      const change = await this.#put(next, member, target, names);
      if (change !== undefined) changes.push(change);
    }
    const wanted = new Set(configOf(target).map(placeOf));
    for (const gone of before === undefined ? [] : configOf(before).map(placeOf))
      if (!wanted.has(gone) && (await sizeOf(join(next, gone))) !== undefined) changes.push(await setAside(next, gone));
    return changes;
  }

  async #put(
    next: string,
    member: KeptMember,
    target: PackageVersion,
    names: { readonly before: string; readonly after: string },
  ): Promise<ConfigChange | undefined> {
    const path = placeOf(member);
    const file = join(next, path);
    await makeParents(next, path);
    const kept = target.keptConfig.find((one) => one.path === member.path);
    const bytes = kept === undefined ? await this.#bytesOf(member) : Buffer.from(kept.base64, 'base64');
    const size = await sizeOf(file);
    const before = size === undefined ? undefined : await readFile(file);
    if (before?.equals(bytes) === true) return undefined;
    if (before !== undefined) await rename(file, `${file}${PREVIOUS}`);
    await writeDurably(file, bytes);
    const previous = before === undefined ? undefined : `${path}${PREVIOUS}`;
    const change = before === undefined ? 'added' : 'changed';
    const diff = before === undefined ? '' : configDiff(before, bytes, { path, ...names });
    return { path, change, previous, diff };
  }

  async #bytesOf({ path, sha256 }: KeptMember): Promise<Buffer> {
    const blob = await this.#store.stat(sha256);
    if (blob !== undefined) return await readFile(blob.path);
    throw new PackageError('previous_incomplete', `Placing ${path}: its content left the store`, {
      data: { path, sha256 },
    });
  }
}

async function setAside(next: string, path: string): Promise<ConfigChange> {
  const file = join(next, path);
  const diff = configDiff(await readFile(file), Buffer.alloc(0), { path, before: '', after: 'not in the package' });
  await rename(file, `${file}${PREVIOUS}`);
  return { path, change: 'removed', previous: `${path}${PREVIOUS}`, diff };
}

function configOf({ members }: PackageVersion): KeptMember[] {
  return members.filter(({ path, isOfTier }) => isOfTier && path.startsWith(SECTION));
}

/** Beneath `config/<id>/`. */
function placeOf({ path }: KeptMember): string {
  return parseRelativePath(path.slice(SECTION.length));
}

async function isSwapBegun(aside: string): Promise<boolean> {
  return (await isThere(join(aside, 'before'))) || (await isThere(join(aside, 'none')));
}

/** What the owner has in its place is not moved away. */
async function assertFolder(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined || stats.isDirectory()) return;
  throw new PackageError('config_unusable', `Configuring ${path}: it is there and no folder`, { data: { path } });
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** Undefined where there is none. Throws `config_unusable` for what is no file. */
async function sizeOf(file: string): Promise<number | undefined> {
  const stats = await lstat(file).catch((thrown: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCodeOf(thrown) ?? '')) return undefined;
    throw thrown;
  });
  if (stats === undefined) return undefined;
  if (!stats.isFile()) throw new PackageError('config_unusable', `Configuring ${file}: it is no file`);
  if (stats.size > PACKAGE_LIMITS.keptConfigBytes) throw tooMuch(file);
  return stats.size;
}

function tooMuch(what: string): PackageError {
  const most = PACKAGE_LIMITS.keptConfigBytes;
  return new PackageError('config_unusable', `Configuring ${what}: what was edited has over ${most} bytes`);
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** A folder that the operator made a link leads elsewhere: nothing is written through it. */
async function makeParents(next: string, path: string): Promise<void> {
  let folder = next;
  for (const name of dirname(path)
    .split('/')
    .filter((one) => one !== '.')) {
    folder = join(folder, name);
    const stats = await lstat(folder).catch(() => undefined);
    if (stats === undefined) await mkdir(folder);
    else if (!stats.isDirectory())
      throw new PackageError('config_unusable', `Configuring ${path}: ${name} is no folder`);
  }
}

async function writeDurably(file: string, bytes: Buffer): Promise<void> {
  await using handle = await open(file, 'wx', 0o644);
  await handle.writeFile(bytes);
  await handle.sync();
}
