/**
 * Migration 4: packages that are installed and how far an install is, whose packages are trusted beside the own mesh's, and the
 * differences that were made or fetched. Spec: docs/spec/09-registry.md §3, 21-packages.md, 22-differences.md.
 */
export const PACKAGES_SQL = `
CREATE TABLE packages (
  id TEXT PRIMARY KEY,
  install TEXT NOT NULL,
  current TEXT NOT NULL,
  previous TEXT,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE package_journal (
  id TEXT PRIMARY KEY,
  install TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('import', 'rollback')),
  step TEXT NOT NULL,
  target TEXT NOT NULL,
  before TEXT,
  detail TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE package_trust (
  kind TEXT NOT NULL CHECK (kind IN ('mesh', 'founder')),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE differences (
  base TEXT NOT NULL,
  target TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  made_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  base_models TEXT NOT NULL,
  target_models TEXT NOT NULL,
  PRIMARY KEY (base, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX differences_by_target ON differences (target);
CREATE INDEX differences_by_use ON differences (used_at);
`;
