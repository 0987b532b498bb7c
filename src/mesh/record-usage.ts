/** How much of our store each author takes: kept in memory, so that a record's admission asks no database. */
import { isMeshId } from '../core/index.ts';
import type { RecordAuthor, SignedRecord } from '../protocol/index.ts';
import { MESH_LIMITS } from './limits.ts';
import type { RecordStore } from './ports.ts';

export interface Usage {
  readonly count: number;
  readonly bytes: number;
}

/** A record's size as it is kept and sent. */
export function recordBytes(record: SignedRecord): number {
  return Buffer.byteLength(JSON.stringify(record));
}

export class RecordUsage {
  readonly #usage = new Map<RecordAuthor, Usage>();

  constructor(store: RecordStore) {
    for (const { author, count, bytes } of store.authors()) this.#usage.set(author, { count, bytes });
  }

  of(author: RecordAuthor): Usage {
    return this.#usage.get(author) ?? { count: 0, bytes: 0 };
  }

  add(record: SignedRecord): void {
    this.#change(record, 1);
  }

  remove(record: SignedRecord): void {
    this.#change(record, -1);
  }

  /** Would the author be over its bounds with `record` in place of `held`? */
  wouldExceed(record: SignedRecord, held: SignedRecord | undefined): boolean {
    const { count, bytes } = this.of(record.author);
    const bounds = boundsOf(record.author);
    const newCount = held === undefined ? count + 1 : count;
    const newBytes = bytes + recordBytes(record) - (held === undefined ? 0 : recordBytes(held));
    return newCount > bounds.count || newBytes > bounds.bytes;
  }

  #change(record: SignedRecord, sign: 1 | -1): void {
    const { count, bytes } = this.of(record.author);
    const left = { count: count + sign, bytes: bytes + sign * recordBytes(record) };
    if (left.count <= 0) this.#usage.delete(record.author);
    else this.#usage.set(record.author, left);
  }
}

function boundsOf(author: RecordAuthor): Usage {
  return isMeshId(author)
    ? { count: MESH_LIMITS.recordsPerAuthority, bytes: MESH_LIMITS.recordBytesPerAuthority }
    : { count: MESH_LIMITS.recordsPerNode, bytes: MESH_LIMITS.recordBytesPerNode };
}
