/** A package of an inbox as people see it: which parts are here, which are not, how much is still to come. Spec: docs/spec/21-packages.md §3. */
import type { Sha256 } from '../../core/index.ts';
import { type InboxFolder, type KnownIndex, sizeOf } from './inbox-folder.ts';
import type { PartFile } from './parts-index.ts';

export interface WaitingPart extends PartFile {
  readonly state: 'here' | 'begun' | 'missing';
  /** Verified, or for a part that was begun, copied. */
  readonly hereBytes: number;
}

export interface WaitingPackage {
  /** Digest of its index. */
  readonly id: Sha256;
  readonly packageName: string;
  readonly sizeBytes: number;
  readonly manifestSha256: Sha256;
  readonly parts: readonly WaitingPart[];
  readonly isWhole: boolean;
  /** Of the parts that are not here. */
  readonly missingBytes: number;
}

export async function waitingPackage({ id, index }: KnownIndex, folder: InboxFolder): Promise<WaitingPackage> {
  const { packageName, sizeBytes, manifestSha256 } = index;
  const parts: WaitingPart[] = [];
  for (const part of index.parts) parts.push(await waitingPart(part, folder));
  const missing = parts.filter(({ state }) => state !== 'here');
  const missingBytes = missing.reduce((sum, part) => sum + part.sizeBytes, 0);
  return { id, packageName, sizeBytes, manifestSha256, parts, isWhole: missing.length === 0, missingBytes };
}

async function waitingPart(part: PartFile, folder: InboxFolder): Promise<WaitingPart> {
  if ((await sizeOf(folder.partPath(part.sha256))) === part.sizeBytes)
    return { ...part, state: 'here', hereBytes: part.sizeBytes };
  const begun = await sizeOf(folder.incomingPath(part.name, part.sizeBytes));
  return begun === undefined
    ? { ...part, state: 'missing', hereBytes: 0 }
    : { ...part, state: 'begun', hereBytes: begun };
}
