/** A hash cache for as long as the process runs. */
import { isSameState } from './file-state.ts';
import type { FileFingerprint, FileHashes, HashCache } from './ports.ts';

export class MemoryHashCache implements HashCache {
  readonly #known = new Map<string, { readonly file: FileFingerprint; readonly hashes: FileHashes }>();

  get(file: FileFingerprint): FileHashes | undefined {
    const known = this.#known.get(file.path);
    return known !== undefined && isSameState(known.file, file) ? known.hashes : undefined;
  }

  put(file: FileFingerprint, hashes: FileHashes): void {
    this.#known.set(file.path, { file, hashes });
  }
}
