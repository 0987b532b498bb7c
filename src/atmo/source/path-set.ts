/**
 * The paths of one package: each safe, and no two that some file system takes for one. Case, composition of accents, a file that is another's
 * folder, and a folder spelt in two ways count. Spec: docs/spec/21-packages.md §1.
 */
import { messageOf } from '../../core/index.ts';
import { parseRelativePath } from '../../protocol/index.ts';
import { AtmoError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';

interface Known {
  readonly spelling: string;
  readonly kind: 'file' | 'folder';
  /** A folder may be told once by itself; above a file it may stand often. */
  isListed: boolean;
}

export class PathSet {
  readonly #known = new Map<string, Known>();
  #listed = 0;

  /** A folder is given without its last slash. Throws AtmoError `unsafe_member`, `too_large`. */
  add(path: string, kind: 'file' | 'folder' = 'file'): void {
    assertSafe(path);
    this.#listed += 1;
    if (this.#listed > ATMO_LIMITS.members)
      throw new AtmoError('too_large', `Reading a package: more than ${ATMO_LIMITS.members} files and folders`);
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1))
      this.#enter(path.slice(0, at), 'folder');
    const known = this.#enter(path, kind);
    if (known.isListed) throw unsafe(path, 'it is there twice');
    known.isListed = true;
  }

  #enter(spelling: string, kind: Known['kind']): Known {
    const folded = foldPath(spelling);
    const known = this.#known.get(folded);
    if (known === undefined) {
      const fresh: Known = { spelling, kind, isListed: false };
      this.#known.set(folded, fresh);
      return fresh;
    }
    if (known.spelling !== spelling)
      throw unsafe(
        spelling,
        `it collides with ${JSON.stringify(known.spelling)} where case or accents are not told apart`,
      );
    if (known.kind !== kind) throw unsafe(spelling, 'it is a file and a folder');
    return known;
  }
}

/** Upper before lower case: some letters meet only there (ß and SS). */
export function foldPath(path: string): string {
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}

function assertSafe(path: string): void {
  try {
    parseRelativePath(path);
  } catch (thrown) {
    throw new AtmoError('unsafe_member', messageOf(thrown), { cause: thrown, data: { path } });
  }
  const depth = path.split('/').length - 1;
  if (depth > ATMO_LIMITS.folderDepth) throw unsafe(path, `it lies in more than ${ATMO_LIMITS.folderDepth} folders`);
}

function unsafe(path: string, fault: string): AtmoError {
  return new AtmoError('unsafe_member', `Reading a package: ${JSON.stringify(path)} is refused because ${fault}`, {
    data: { path },
  });
}
