/**
 * Which packages are installed here, which version was before, how far an install is, and whose packages are trusted beside the own
 * mesh's. What becomes of a version being in force is one transaction: the row and the journal's next step. Spec:
 * docs/spec/09-registry.md §3, docs/spec/21-packages.md.
 */
import type { ModelId, Sha256 } from '../core/index.ts';
import type { Database, Row } from './database.ts';

/** A file of a package whose bytes are in the store. */
export interface KeptMember {
  readonly path: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** Of this node's tier; others are kept for nodes of other tiers. */
  readonly isOfTier: boolean;
}

/** A model that came with a package, as the library knows it. */
export interface PackageModel {
  readonly modelId: ModelId;
  readonly version: string;
  readonly sha256: Sha256;
  /** It was not here before the package: it goes when no package has it any more. */
  readonly isBrought: boolean;
}

/** An agent of a package, of this node's tier. */
export interface PackageAgent {
  readonly path: string;
  readonly id: string;
  readonly version: string;
}

/** One version of a package as it was installed. */
export interface PackageVersion {
  readonly id: string;
  readonly version: string;
  /** The install that brought it: its uses of blobs go by that name. */
  readonly install: string;
  /** Of the signed bytes of its manifest. */
  readonly manifestSha256: Sha256;
  readonly createdBy: string;
  /** RFC 3339, as its maker says. */
  readonly createdAt: string;
  readonly tier: string;
  /** Members of every tier are kept here, for nodes that want another one. */
  readonly hasAllTiers: boolean;
  readonly meshId: string;
  readonly signer: string;
  /** What is held of it: manifest.yaml, checksums.sha256, custody.jsonl and the members, by path. */
  readonly members: readonly KeptMember[];
  /** Those of its tier. */
  readonly models: readonly PackageModel[];
  readonly agents: readonly PackageAgent[];
  /** Configuration that the operator had edited when this version went out of force: `path` is that of the member. */
  readonly keptConfig: readonly { readonly path: string; readonly base64: string }[];
  readonly installedAtMs: number;
}

export interface PackageRow {
  readonly id: string;
  /** Names the install that brought `current` into force. */
  readonly install: string;
  readonly current: PackageVersion;
  readonly previous: PackageVersion | undefined;
  readonly updatedAtMs: number;
}

export interface PackageJournalRow {
  readonly id: string;
  readonly install: string;
  readonly kind: 'import' | 'rollback';
  /** The step that begins, or was under way when the process ended. */
  readonly step: string;
  readonly target: PackageVersion;
  /** What was installed when it began. */
  readonly before: PackageRow | undefined;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly beganAtMs: number;
  readonly updatedAtMs: number;
}

/** Whose signature on a package counts here. */
export interface TrustedParty {
  readonly kind: 'mesh' | 'founder';
  /** A mesh id, or a founder's raw public key in base64. */
  readonly id: string;
  readonly name: string;
  readonly addedAtMs: number;
}

export interface PackageRepository {
  /** By id. */
  list(): PackageRow[];
  get(id: string): PackageRow | undefined;
  /** Puts a version in force, or (`undefined`) takes the package out, with the journal's next step: both or none. */
  commit(row: PackageRow | undefined, journal: PackageJournalRow): void;
  /** Changes what is said of a version that is installed; nothing is put in force by it. */
  update(row: PackageRow): void;
  journal: {
    list(): PackageJournalRow[];
    get(id: string): PackageJournalRow | undefined;
    put(row: PackageJournalRow): void;
    delete(id: string): void;
  };
  trust: {
    /** By kind and id. */
    list(): TrustedParty[];
    put(party: TrustedParty): void;
    /** False when it was not trusted. */
    delete(kind: TrustedParty['kind'], id: string): boolean;
  };
}

export function createPackages(db: Database): PackageRepository {
  const journal = createJournal(db);
  const put = ({ id, install, current, previous, updatedAtMs }: PackageRow): void => {
    const values = [id, install, JSON.stringify(current), toJson(previous), Math.trunc(updatedAtMs)] as const;
    db.run('INSERT OR REPLACE INTO packages VALUES (?, ?, ?, ?, ?)', ...values);
  };
  return {
    list: () => db.all('SELECT * FROM packages ORDER BY id').map(toPackage),
    get(id) {
      const row = db.get('SELECT * FROM packages WHERE id = ?', id);
      return row === undefined ? undefined : toPackage(row);
    },
    commit: (row, next) =>
      db.transaction(() => {
        if (row === undefined) db.run('DELETE FROM packages WHERE id = ?', next.id);
        else put(row);
        journal.put(next);
      }),
    update: put,
    journal,
    trust: createTrust(db),
  };
}

function createJournal(db: Database): PackageRepository['journal'] {
  return {
    list: () => db.all('SELECT * FROM package_journal ORDER BY began_at, id').map(toJournal),
    get(id) {
      const row = db.get('SELECT * FROM package_journal WHERE id = ?', id);
      return row === undefined ? undefined : toJournal(row);
    },
    put({ id, install, kind, step, target, before, detail, beganAtMs, updatedAtMs }) {
      const what = [id, install, kind, step, JSON.stringify(target), toJson(before), JSON.stringify(detail)] as const;
      const when = [Math.trunc(beganAtMs), Math.trunc(updatedAtMs)] as const;
      db.run('INSERT OR REPLACE INTO package_journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)', ...what, ...when);
    },
    delete(id) {
      db.run('DELETE FROM package_journal WHERE id = ?', id);
    },
  };
}

function createTrust(db: Database): PackageRepository['trust'] {
  return {
    list: () =>
      db.all('SELECT * FROM package_trust ORDER BY kind, id').map((row) => ({
        kind: row.kind as TrustedParty['kind'],
        id: row.id as string,
        name: row.name as string,
        addedAtMs: row.added_at as number,
      })),
    put({ kind, id, name, addedAtMs }) {
      db.run('INSERT OR REPLACE INTO package_trust VALUES (?, ?, ?, ?)', kind, id, name, Math.trunc(addedAtMs));
    },
    delete: (kind, id) => db.run('DELETE FROM package_trust WHERE kind = ? AND id = ?', kind, id) > 0,
  };
}

function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function fromJson<T>(text: unknown): T | undefined {
  return text === null ? undefined : (JSON.parse(text as string) as T);
}

function toPackage(row: Row): PackageRow {
  return {
    id: row.id as string,
    install: row.install as string,
    current: JSON.parse(row.current as string) as PackageVersion,
    previous: fromJson<PackageVersion>(row.previous),
    updatedAtMs: row.updated_at as number,
  };
}

function toJournal(row: Row): PackageJournalRow {
  return {
    id: row.id as string,
    install: row.install as string,
    kind: row.kind as PackageJournalRow['kind'],
    step: row.step as string,
    target: JSON.parse(row.target as string) as PackageVersion,
    before: fromJson<PackageRow>(row.before),
    detail: JSON.parse(row.detail as string) as Record<string, unknown>,
    beganAtMs: row.began_at as number,
    updatedAtMs: row.updated_at as number,
  };
}
