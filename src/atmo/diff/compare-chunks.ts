/** What became of the chunks of a file of knowledge. Spec: docs/spec/21-packages.md §11.5. */
import { type ChunkDigests, type KnowledgeBytes, readChunkDigests } from './chunk-digests.ts';

export interface ChunkChanges {
  readonly added: number;
  readonly removed: number;
  readonly updated: number;
}

const NONE: ChunkDigests = { ids: new BigUint64Array(), contents: new BigUint64Array() };

/** A file that is not there has no chunks. Throws what reading throws. */
export async function compareChunks(
  before: KnowledgeBytes | undefined,
  after: KnowledgeBytes | undefined,
  signal?: AbortSignal,
): Promise<ChunkChanges> {
  const old = before === undefined ? NONE : await readChunkDigests(before, signal);
  const now = after === undefined ? NONE : await readChunkDigests(after, signal);
  const stayed = countCommon(old.ids, now.ids);
  return {
    added: now.ids.length - stayed,
    removed: old.ids.length - stayed,
    updated: Math.max(0, stayed - countCommon(old.contents, now.contents)),
  };
}

export function sumOfChanges(changes: readonly ChunkChanges[]): ChunkChanges {
  const sum = (field: keyof ChunkChanges) => changes.reduce((total, change) => total + change[field], 0);
  return { added: sum('added'), removed: sum('removed'), updated: sum('updated') };
}

/** Of two sorted lists. */
function countCommon(a: BigUint64Array, b: BigUint64Array): number {
  let common = 0;
  for (let left = 0, right = 0; left < a.length && right < b.length; ) {
    const [one = 0n, other = 0n] = [a[left], b[right]];
    if (one === other) common += 1;
    if (one <= other) left += 1;
    if (other <= one) right += 1;
  }
  return common;
}
