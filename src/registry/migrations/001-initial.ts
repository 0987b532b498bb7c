/** Migration 1. Released migrations never change. Spec: docs/spec/09-registry.md §3. */
export const INITIAL_SQL = `
CREATE TABLE models (
  id INTEGER PRIMARY KEY,
  model_id TEXT NOT NULL,
  version TEXT NOT NULL,
  content TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  format TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 TEXT,
  source TEXT NOT NULL,
  source_ref TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('found', 'hashing', 'ready', 'damaged', 'missing')),
  unsafe INTEGER NOT NULL,
  public INTEGER NOT NULL,
  description TEXT NOT NULL,
  UNIQUE (model_id, version, content)
) STRICT;

CREATE TABLE model_files (
  model INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  path TEXT NOT NULL,
  absolute_path TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  sha256 TEXT,
  piece_root TEXT,
  mtime_ns TEXT,
  inode TEXT,
  device TEXT,
  PRIMARY KEY (model, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE file_hashes (
  path TEXT PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  mtime_ns TEXT NOT NULL,
  inode TEXT NOT NULL,
  device TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  piece_hashes BLOB NOT NULL
) STRICT;

CREATE TABLE blob_places (
  sha256 TEXT NOT NULL,
  path TEXT NOT NULL,
  place TEXT NOT NULL CHECK (place IN ('owned', 'adopted')),
  size_bytes INTEGER NOT NULL,
  mtime_ns TEXT,
  inode TEXT,
  device TEXT,
  PRIMARY KEY (sha256, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE blob_pins (sha256 TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE blob_refs (
  sha256 TEXT NOT NULL,
  holder TEXT NOT NULL,
  PRIMARY KEY (sha256, holder)
) STRICT, WITHOUT ROWID;

CREATE TABLE piece_lists (
  sha256 TEXT PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  piece_root TEXT NOT NULL,
  hashes BLOB NOT NULL
) STRICT;

CREATE TABLE records (
  author TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  seq INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (author, kind, key)
) STRICT;
CREATE INDEX records_by_expiry ON records (expires_at);
CREATE TABLE record_authors (author TEXT PRIMARY KEY, highest_seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE peer_addresses (
  node_id TEXT NOT NULL,
  multiaddr TEXT NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (node_id, multiaddr)
) STRICT, WITHOUT ROWID;
CREATE INDEX peer_addresses_by_time ON peer_addresses (last_seen);

CREATE TABLE peer_stats (
  node_id TEXT PRIMARY KEY,
  successes INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  corruptions INTEGER NOT NULL,
  rate_bytes_per_second REAL,
  latency_ms REAL,
  last_failure INTEGER,
  banned_until INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE invites (
  invite_id TEXT PRIMARY KEY,
  mesh_id TEXT NOT NULL,
  role TEXT NOT NULL,
  secret_hex TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  uses_left INTEGER NOT NULL,
  failures INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE transfers (
  request_id TEXT PRIMARY KEY,
  model_id TEXT NOT NULL,
  version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('Pending', 'Downloading', 'Verifying', 'Completed', 'Failed', 'Cancelled')),
  received_bytes INTEGER NOT NULL,
  total_bytes INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  ended_at INTEGER,
  error_code TEXT,
  error_message TEXT,
  from_nodes TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX transfers_by_start ON transfers (started_at);
CREATE INDEX transfers_by_end ON transfers (ended_at);
`;
