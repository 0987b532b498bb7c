/** Migration 3: manifests, what is deployed here and how far it is, the audit log, consents, pins, and floors of records. */
export const DEPLOYMENT_SQL = `
CREATE TABLE manifests (
  model_id TEXT NOT NULL,
  version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  words TEXT NOT NULL,
  kept TEXT,
  revision INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (model_id, version, sha256)
) STRICT, WITHOUT ROWID;

CREATE TABLE deployments (
  model_id TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  status TEXT NOT NULL,
  step TEXT NOT NULL,
  because TEXT NOT NULL,
  manifest TEXT NOT NULL,
  previous TEXT,
  detail TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model_pins (
  model_id TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  pinned_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  event TEXT NOT NULL,
  json TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_log_never_changes BEFORE UPDATE ON audit_log BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_only_grows BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq >= NEW.seq) BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_never_shrinks BEFORE DELETE ON audit_log BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;

CREATE TABLE consents (
  source TEXT PRIMARY KEY,
  given_at INTEGER NOT NULL,
  how TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE record_floors (
  author TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  seq INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (author, kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_sightings (
  model_id TEXT NOT NULL,
  version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  PRIMARY KEY (model_id, version, sha256)
) STRICT, WITHOUT ROWID;
`;
