/**
 * One SQLite connection with prepared statements kept, transactions and this area's errors. Synchronous: a statement takes
 * microseconds, and whoever calls two in a row sees no one between them. Spec: docs/spec/09-registry.md §1.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { messageOf } from '../core/index.ts';
import { RegistryError, type RegistryErrorCode } from './errors.ts';
import { REGISTRY_LIMITS } from './limits.ts';

export type Row = Record<string, SQLInputValue>;

const MAGIC = 'SQLite format 3\0';
/** By SQLite's primary result code: SQLITE_CORRUPT, SQLITE_FULL, SQLITE_NOTADB. */
const CODES: ReadonlyMap<number, RegistryErrorCode> = new Map([
  [11, 'database_corrupt'],
  [13, 'database_full'],
  [26, 'database_corrupt'],
]);

/** Opens or makes a database and brings it to the newest migration. */
export function openDatabase(path: string, migrations: readonly string[]): Database {
  assertOurs(path, migrations.length);
  const database = guarded(path, () => new Database(path));
  try {
    database.migrate(migrations);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

export class Database {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.#path = path;
    this.#db = new DatabaseSync(path, { timeout: REGISTRY_LIMITS.busyTimeoutMs, enableForeignKeyConstraints: true });
    try {
      this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    } catch (thrown) {
      this.#db.close();
      throw thrown;
    }
  }

  /** Applies what is missing, each in its own transaction. */
  migrate(migrations: readonly string[]): void {
    const version = this.userVersion();
    if (version > migrations.length) throw tooNew(this.#path, version, migrations.length);
    for (const [index, sql] of migrations.entries()) {
      if (index < version) continue;
      this.transaction(() => this.exec(`${sql}; PRAGMA user_version = ${index + 1};`));
    }
  }

  userVersion(): number {
    return Number(this.get('PRAGMA user_version')?.user_version ?? 0);
  }

  exec(sql: string): void {
    guarded(this.#path, () => this.#db.exec(sql));
  }

  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return guarded(this.#path, () => Number(this.#statement(sql).run(...values).changes));
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return guarded(this.#path, () => this.#statement(sql).get(...values) as Row | undefined);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return guarded(this.#path, () => this.#statement(sql).all(...values) as Row[]);
  }

  /** All of it or nothing. Joins a transaction that runs. */
  transaction<T>(act: () => T): T {
    if (this.#db.isTransaction) return act();
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = act();
      this.exec('COMMIT');
      return result;
    } catch (thrown) {
      if (this.#db.isTransaction) this.exec('ROLLBACK');
      throw thrown;
    }
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Reads the header itself: SQLite would already write beside the file. */
function assertOurs(path: string, newest: number): void {
  const header = readHeader(path);
  if (header === undefined || header.length === 0) return;
  if (header.length < 100 || header.toString('latin1', 0, 16) !== MAGIC)
    throw new RegistryError('database_corrupt', `Opening ${path}: it is not an SQLite database`, { data: { path } });
  const version = header.readUInt32BE(60);
  if (version > newest) throw tooNew(path, version, newest);
}

function readHeader(path: string): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  return guarded(path, () => {
    const fd = openSync(path, 'r');
    try {
      const header = Buffer.alloc(100);
      return header.subarray(0, readSync(fd, header, 0, 100, 0));
    } finally {
      closeSync(fd);
    }
  });
}

function tooNew(path: string, version: number, newest: number): RegistryError {
  return new RegistryError(
    'database_too_new',
    `Opening ${path}: its version is ${version}, this program knows ${newest}`,
    {
      data: { path, version, newest },
    },
  );
}

function guarded<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (thrown) {
    throw toRegistryError(path, thrown);
  }
}

function toRegistryError(path: string, thrown: unknown): unknown {
  if (thrown instanceof RegistryError || !(thrown instanceof Error)) return thrown;
  const primary = Number((thrown as { errcode?: number }).errcode ?? 0) & 0xff;
  const code = CODES.get(primary) ?? 'database_failed';
  return new RegistryError(code, `Using ${path}: ${messageOf(thrown)}`, { cause: thrown, data: { path } });
}
