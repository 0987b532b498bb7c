/**
 * Signed records over restarts. Satisfies mesh's RecordStore. The highest sequence number of an author outlives its records
 * and `clear`: an old record must not come back, and this node's own numbers must go on where it rejoins. For the same reason
 * what expired leaves a floor, as long as an older record of its name could still be valid (docs/spec/20-access.md §4).
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
  expire(nowMs: number, floors: FloorRule): SignedRecord[];
  floor(id: Key): number;
  clear(): void;
}

interface FloorRule {
  untilMs(record: SignedRecord): number;
  readonly most: number;
}

/** A floor of all that an author says; no kind is called so. */
const EVERY_KIND = '*';

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
  function expire(nowMs: number, rule: FloorRule): SignedRecord[] {
    const gone = db.all('DELETE FROM records WHERE expires_at < ? RETURNING json', nowMs).map(toRecord);
    const raised = gone.filter((record) => rule.untilMs(record) > record.expires_at);
    for (const record of raised)
      db.run(
        'INSERT OR REPLACE INTO record_floors VALUES (?, ?, ?, ?, ?)',
        ...[record.author, record.kind, record.key, record.seq, rule.untilMs(record)],
      );
    for (const author of new Set(raised.map((record) => record.author))) mergeFloors(author, rule.most);
    db.run('DELETE FROM record_floors WHERE until < ?', nowMs);
    return gone;
  }
  function mergeFloors(author: RecordAuthor, most: number): void {
    const { count, seq, until } = db.get(
      'SELECT count(*) AS count, max(seq) AS seq, max(until) AS until FROM record_floors WHERE author = ?',
      author,
    ) as { count: number; seq: number; until: number };
    if (count <= most) return;
    db.run('DELETE FROM record_floors WHERE author = ?', author);
    db.run('INSERT INTO record_floors VALUES (?, ?, ?, ?, ?)', author, EVERY_KIND, '', seq, until);
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
    expire: (nowMs, rule) => db.transaction(() => expire(nowMs, rule)),
    floor: ({ author, kind, key }) =>
      Number(
        db.get(
          `SELECT max(seq) AS seq FROM record_floors
           WHERE author = ?1 AND ((kind = ?2 AND key = ?3) OR (kind = '${EVERY_KIND}' AND key = ''))`,
          ...[author, kind, key],
        )?.seq ?? 0,
      ),
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
