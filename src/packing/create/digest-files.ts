/** Digests of files that are not written at once: those of other tiers, and all where a package of that name is there already. */

import { AtmoError } from '../../atmo/index.ts';
import { toPieceList } from '../../content/index.ts';
import { fingerprintFile, hashFile } from '../../inventory/index.ts';
import type { DraftFile, FileDigests } from './draft.ts';

/** By path in the package. Throws AtmoError `changed`, `cancelled`. */
export async function digestFiles(
  files: readonly DraftFile[],
  onBytes: (byteCount: number) => void,
  signal: AbortSignal | undefined,
): Promise<Map<string, FileDigests>> {
  const digests = new Map<string, FileDigests>();
  for (const file of files) digests.set(file.path, await digestFile(file, onBytes, signal));
  return digests;
}

async function digestFile(
  { path, file, sizeBytes }: DraftFile,
  onBytes: (byteCount: number) => void,
  signal: AbortSignal | undefined,
): Promise<FileDigests> {
  const fingerprint = await fingerprintFile(file);
  let doneBytes = 0;
  const onChunk = async (position: number) => {
    if (signal?.aborted === true) throw new AtmoError('cancelled', `Reading ${path}: it was stopped`);
    onBytes(position - doneBytes);
    doneBytes = position;
  };
  const isSame = fingerprint?.sizeBytes === sizeBytes;
  const hashes = fingerprint === undefined || !isSame ? undefined : await hashFile(fingerprint, onChunk);
  if (hashes === undefined) throw new AtmoError('changed', `Reading ${file}: it changed while it was read`);
  return { sha256: hashes.sha256, pieceRoot: toPieceList(sizeBytes, hashes.pieceHashes).root };
}
