/**
 * Whom a node believes, for tools that look at packages beside the daemon that owns the database: opened for reading only, nothing is
 * migrated or written. Spec: docs/spec/21-packages.md §6.
 */
import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { SignedRecord } from '../protocol/index.ts';
import type { TrustedParty } from './packages.ts';

export interface Beliefs {
  /** Meshes and founders that the owner trusts. */
  readonly trusted: readonly TrustedParty[];
  /** As they were heard; who reads them checks them. */
  readonly revocations: readonly SignedRecord[];
  /** What the node keeps of the access policy in force; undefined where nobody said one. */
  readonly policy: unknown;
}

/** Undefined where there is no database, or one that this program cannot read. */
export function readBeliefs(path: string): Beliefs | undefined {
  if (!existsSync(path)) return undefined;
  let db: DatabaseSync | undefined;
  try {
    db = openForReading(path);
    return readFrom(db);
  } catch {
    return undefined;
  } finally {
    db?.close();
  }
}

/** A daemon that runs has a log beside it, which must be read too; without one nobody writes, and no file need be made. */
function openForReading(path: string): DatabaseSync {
  const isInUse = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const url = pathToFileURL(path);
  if (!isInUse) url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true, timeout: 1000 });
}

function readFrom(db: DatabaseSync): Beliefs {
  const trusted = db.prepare('SELECT * FROM package_trust ORDER BY kind, id').all();
  const revocations = db.prepare("SELECT json FROM records WHERE kind = 'revocation'").all();
  const policy = db.prepare("SELECT value FROM settings WHERE key = 'access_policy'").get();
  return {
    trusted: trusted.map(({ kind, id, name, added_at }) => ({
      ...{ kind: kind as TrustedParty['kind'], id: id as string, name: name as string, addedAtMs: added_at as number },
    })),
    revocations: revocations.map(({ json }) => JSON.parse(json as string) as SignedRecord),
    policy: policy === undefined ? undefined : (JSON.parse(policy.value as string) as unknown),
  };
}
