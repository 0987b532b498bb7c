/**
 * Cuts a node's catalog in pages so that a change costs the pages it touches and no other: an entry keeps its page for
 * as long as it lives, a new one takes the first room there is. Pure. Spec: docs/spec/04-catalog.md §4.
 */
import { canonicalBytes, type ModelEntry, PROTOCOL_LIMITS } from '../protocol/index.ts';

export interface PagePlan {
  readonly pages: readonly (readonly ModelEntry[])[];
  /** Pages to publish again, in order. A page that became empty is among them; one beyond the end is not. */
  readonly changed: readonly number[];
}

interface Page {
  entries: ModelEntry[];
  bytes: number;
  changed: boolean;
}

/** Room for the envelope around the entries of one record. */
const ENVELOPE_BYTES = 4096;

export function planPages(previous: readonly (readonly ModelEntry[])[], wanted: readonly ModelEntry[]): PagePlan {
  const waiting = new Map(wanted.map((entry) => [keyOf(entry), entry]));
  const pages = previous.map((entries) => keepPage(entries, waiting));
  let open = 0;
  for (const entry of waiting.values()) {
    const bytes = sizeOf(entry);
    while (open < pages.length && !hasRoom(pages[open], bytes)) open += 1;
    const page = pages[open] ?? addPage(pages);
    page.entries.push(entry);
    page.bytes += bytes;
    page.changed = true;
  }
  while (pages.at(-1)?.entries.length === 0) pages.pop();
  return {
    pages: pages.map(({ entries }) => entries),
    changed: pages.flatMap(({ changed }, index) => (changed ? [index] : [])),
  };
}

/** What stays of a page; takes it out of `waiting`. */
function keepPage(entries: readonly ModelEntry[], waiting: Map<string, ModelEntry>): Page {
  const page: Page = { entries: [], bytes: 0, changed: false };
  for (const old of entries) {
    const entry = waiting.get(keyOf(old));
    if (entry === undefined) {
      page.changed = true;
      continue;
    }
    waiting.delete(keyOf(old));
    page.entries.push(entry);
    page.bytes += sizeOf(entry);
    page.changed ||= !canonicalBytes(old).equals(canonicalBytes(entry));
  }
  return page;
}

function hasRoom(page: Page | undefined, bytes: number): boolean {
  if (page === undefined) return false;
  const { catalogEntriesPerPage, recordBytes } = PROTOCOL_LIMITS;
  return page.entries.length < catalogEntriesPerPage && page.bytes + bytes + ENVELOPE_BYTES <= recordBytes;
}

function addPage(pages: Page[]): Page {
  const page: Page = { entries: [], bytes: 0, changed: true };
  pages.push(page);
  return page;
}

function keyOf(entry: ModelEntry): string {
  return `${entry.model_id}\n${entry.version}\n${entry.sha256}`;
}

function sizeOf(entry: ModelEntry): number {
  return Buffer.byteLength(JSON.stringify(entry)) + 1;
}
