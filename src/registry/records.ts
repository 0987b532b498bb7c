/**
 * Signed records over restarts. Satisfies mesh's RecordStore. The highest sequence number of an author outlives its records
 * and `clear`: an old record must not come back, and this node's own numbers must go on where it rejoins.
 */
import type { RecordAuthor, RecordKind, SignedRecord } from '../protocol/index.ts';
import type { Database, Row } from './database.ts';

interface Key {
  readonly author: RecordAuthor;
  readonly kind: RecordKind;
  readonly key: string;
}

type RecordHead = Pick<SignedRecord, 'author' | 'kind' | 'key' | 'seq' | 'expires_at'>;

export interface RecordRepository {
  get(id: Key): SignedRecord | undefined;
  put(record: SignedRecord): void;
  delete(id: Key): void;
  list(filter?: { readonly author?: RecordAuthor; readonly kind?: RecordKind }): SignedRecord[];
  heads(filter?: { readonly author?: RecordAuthor }): RecordHead[];
  authors(): { readonly author: RecordAuthor; readonly count: number; readonly bytes: number }[];
  highestSeq(author: RecordAuthor): number;
  expire(nowMs: number): SignedRecord[];
  clear(): void;
}

const BY_KEY = 'author = ? AND kind = ? AND key = ?';

export function createRecordRepository(db: Database): RecordRepository {
  function put(record: SignedRecord): void {
    const { author, kind, key, seq, expires_at } = record;
    const json = JSON.stringify(record);
    const values = [author, kind, key, seq, expires_at, Buffer.byteLength(json), json];
    db.run('INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)', ...values);
    db.run(
      `INSERT INTO record_authors VALUES (?, ?)
       ON CONFLICT (author) DO UPDATE SET highest_seq = max(highest_seq, excluded.highest_seq)`,
      author,
      seq,
    );
  }
  return {
    get({ author, kind, key }) {
      const row = db.get(`SELECT json FROM records WHERE ${BY_KEY}`, author, kind, key);
      return row === undefined ? undefined : toRecord(row);
    },
    put: (record) => db.transaction(() => put(record)),
    delete({ author, kind, key }) {
      db.run(`DELETE FROM records WHERE ${BY_KEY}`, author, kind, key);
    },
    list: ({ author, kind } = {}) =>
      db
        .all(
          `SELECT json FROM records WHERE (?1 IS NULL OR author = ?1) AND (?2 IS NULL OR kind = ?2)
           ORDER BY author, kind, key`,
          author ?? null,
          kind ?? null,
        )
        .map(toRecord),
    // The columns before `json`: its pages are not read.
    heads: ({ author } = {}) =>
      db
        .all(
          `SELECT author, kind, key, seq, expires_at FROM records WHERE (?1 IS NULL OR author = ?1)
           ORDER BY author, kind, key`,
          author ?? null,
        )
        .map(toHead),
    authors: () =>
      db
        .all('SELECT author, count(*) AS count, sum(bytes) AS bytes FROM records GROUP BY author ORDER BY author')
        .map((row) => ({
          author: row.author as RecordAuthor,
          count: row.count as number,
          bytes: row.bytes as number,
        })),
    highestSeq: (author) =>
      Number(db.get('SELECT highest_seq FROM record_authors WHERE author = ?', author)?.highest_seq ?? 0),
    expire: (nowMs) => db.all('DELETE FROM records WHERE expires_at < ? RETURNING json', nowMs).map(toRecord),
    clear() {
      db.run('DELETE FROM records');
    },
  };
}

/** What is in the database was parsed and verified before it was put there. */
function toRecord(row: Row): SignedRecord {
  return JSON.parse(row.json as string) as SignedRecord;
}

function toHead(row: Row): RecordHead {
  return {
    author: row.author as RecordAuthor,
    kind: row.kind as RecordKind,
    key: row.key as string,
    seq: Number(row.seq),
    expires_at: Number(row.expires_at),
  };
}
