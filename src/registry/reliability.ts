/** What we learned of each peer's service, over restarts. Feeds the peer choice (docs/spec/09-registry.md §5). */
import type { NodeId } from '../core/index.ts';
import type { Database, Row } from './database.ts';
import type { PeerStats } from './peer-stats.ts';

/** Weight of the newest measurement. */
const NEWEST = 0.3;

export interface ReliabilityRepository {
  get(nodeId: NodeId): PeerStats | undefined;
  noteSuccess(nodeId: NodeId, measured?: { readonly bytes: number; readonly durationMs: number }): void;
  noteLatency(nodeId: NodeId, latencyMs: number): void;
  noteFailure(nodeId: NodeId, nowMs: number): void;
  /** The peer sent wrong bytes: not asked before `bannedUntilMs`. */
  noteCorruption(nodeId: NodeId, nowMs: number, bannedUntilMs: number): void;
}

const NOBODY: PeerStats = { successes: 0, failures: 0, corruptions: 0 };

export function createReliability(db: Database): ReliabilityRepository {
  function get(nodeId: NodeId): PeerStats | undefined {
    const row = db.get('SELECT * FROM peer_stats WHERE node_id = ?', nodeId);
    return row === undefined ? undefined : toStats(row);
  }
  function update(nodeId: NodeId, change: (stats: PeerStats) => Partial<PeerStats>): void {
    db.transaction(() => {
      const before = get(nodeId) ?? NOBODY;
      const now = { ...before, ...change(before) };
      const counts = [now.successes, now.failures, now.corruptions];
      const measured = [now.rateBytesPerSecond ?? null, now.latencyMs ?? null];
      const times = [now.lastFailureMs, now.bannedUntilMs].map((time) =>
        time === undefined ? null : Math.trunc(time),
      );
      db.run(
        'INSERT OR REPLACE INTO peer_stats VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        nodeId,
        ...counts,
        ...measured,
        ...times,
      );
    });
  }
  return {
    get,
    noteSuccess(nodeId, measured) {
      update(nodeId, (stats) => ({ successes: stats.successes + 1, ...rateOf(stats, measured) }));
    },
    noteLatency(nodeId, latencyMs) {
      update(nodeId, (stats) => ({ latencyMs: average(stats.latencyMs, latencyMs) }));
    },
    noteFailure(nodeId, nowMs) {
      update(nodeId, (stats) => ({ failures: stats.failures + 1, lastFailureMs: nowMs }));
    },
    noteCorruption(nodeId, nowMs, bannedUntilMs) {
      update(nodeId, (stats) => ({ corruptions: stats.corruptions + 1, lastFailureMs: nowMs, bannedUntilMs }));
    },
  };
}

function rateOf(stats: PeerStats, measured?: { bytes: number; durationMs: number }): Partial<PeerStats> {
  if (measured === undefined || measured.durationMs <= 0 || measured.bytes <= 0) return {};
  return { rateBytesPerSecond: average(stats.rateBytesPerSecond, (measured.bytes * 1000) / measured.durationMs) };
}

function average(before: number | undefined, newest: number): number {
  return before === undefined ? newest : before + NEWEST * (newest - before);
}

function toStats(row: Row): PeerStats {
  return {
    successes: row.successes as number,
    failures: row.failures as number,
    corruptions: row.corruptions as number,
    rateBytesPerSecond: (row.rate_bytes_per_second ?? undefined) as number | undefined,
    latencyMs: (row.latency_ms ?? undefined) as number | undefined,
    lastFailureMs: (row.last_failure ?? undefined) as number | undefined,
    bannedUntilMs: (row.banned_until ?? undefined) as number | undefined,
  };
}
