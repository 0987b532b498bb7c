/** Short words for "what I hold": the hash of an author's records, and their list. Spec: docs/spec/02-records.md §7. Pure. */
import { createHash } from 'node:crypto';
import { compareText } from '../core/index.ts';
import type { AuthorDigest, ListEntry, RecordAuthor, SignedRecord } from '../protocol/index.ts';

type Named = Pick<SignedRecord, 'author' | 'kind' | 'key' | 'seq'>;

/** One digest an author, sorted by author. */
export function digestRecords(records: readonly Named[]): AuthorDigest[] {
  const groups = Map.groupBy(records, ({ author }) => author);
  return [...groups].map(([author, own]) => digestAuthor(author, own)).sort((a, b) => compareText(a.author, b.author));
}

/** (author, kind, key, seq), sorted by author, kind, key. */
export function listRecords(records: readonly Named[]): ListEntry[] {
  return records
    .toSorted((a, b) => compareText(a.author, b.author) || compareNamed(a, b))
    .map(({ author, kind, key, seq }) => [author, kind, key, seq]);
}

function digestAuthor(author: RecordAuthor, records: readonly Named[]): AuthorDigest {
  const hash = createHash('sha256');
  for (const { kind, key, seq } of records.toSorted(compareNamed)) hash.update(`${kind}\n${key}\n${seq}\n`);
  return { author, count: records.length, hash: hash.digest('hex') };
}

function compareNamed(a: Named, b: Named): number {
  return compareText(a.kind, b.kind) || compareText(a.key, b.key);
}
