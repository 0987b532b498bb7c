/** Whom to ask about, and what to fetch. Spec: docs/spec/02-records.md §7. Pure. */
import { isMeshId } from '../core/index.ts';
import type { AuthorDigest, ListEntry, RecordAuthor, RecordKind } from '../protocol/index.ts';
import { MESH_LIMITS } from './limits.ts';
import type { RecordKey } from './ports.ts';

export type RecordId = [RecordAuthor, RecordKind, string];

const KIND_ORDER: readonly RecordKind[] = ['certificate', 'revocation', 'heartbeat', 'catalog'];

export interface AuthorPlan {
  /** The authority: to be settled before anyone else is looked at. */
  readonly authorities: RecordAuthor[];
  readonly nodes: RecordAuthor[];
}

/** Authors about whom the peer says something else than we do. */
export function planAuthors(
  ours: readonly AuthorDigest[],
  theirs: readonly AuthorDigest[],
  isWelcome: (author: RecordAuthor) => boolean,
): AuthorPlan {
  const known = new Map(ours.map(({ author, hash }) => [author, hash]));
  const differing = theirs
    .slice(0, MESH_LIMITS.reconcileAuthorsPerRun)
    .filter(({ author, hash, count }) => count > 0 && known.get(author) !== hash && isWelcome(author))
    .map(({ author }) => author);
  const authorities = differing.filter((author) => isMeshId(author));
  return { authorities, nodes: differing.filter((author) => !isMeshId(author)) };
}

/** What the peer has and we lack, or have older; what decides about the rest comes first. */
export function planFetch(listed: readonly ListEntry[], heldSeq: (id: RecordKey) => number): RecordId[] {
  return listed
    .filter(([author, kind, key, seq]) => seq > heldSeq({ author, kind, key }))
    .toSorted((a, b) => KIND_ORDER.indexOf(a[1]) - KIND_ORDER.indexOf(b[1]))
    .map(([author, kind, key]) => [author, kind, key]);
}

/** Cuts a list in parts of at most `size`. */
export function inBatches<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
