/** Migration 2: a transfer may be paused. A check cannot be changed in place, so the table is built anew. */
export const PAUSED_TRANSFERS_SQL = `
ALTER TABLE transfers RENAME TO transfers_before;
DROP INDEX transfers_by_start;
DROP INDEX transfers_by_end;
CREATE TABLE transfers (
  request_id TEXT PRIMARY KEY,
  model_id TEXT NOT NULL,
  version TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('Pending', 'Downloading', 'Verifying', 'Paused', 'Completed', 'Failed', 'Cancelled')),
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
INSERT INTO transfers SELECT * FROM transfers_before ORDER BY rowid;
DROP TABLE transfers_before;
CREATE INDEX transfers_by_start ON transfers (started_at);
CREATE INDEX transfers_by_end ON transfers (ended_at);
`;
