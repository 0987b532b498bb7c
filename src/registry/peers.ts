/** Addresses that worked, bounded for each node and in all. Satisfies mesh's PeerStore. */
import type { NodeId } from '../core/index.ts';
import type { Database } from './database.ts';
import { REGISTRY_LIMITS } from './limits.ts';

export interface RememberedAddress {
  readonly nodeId: NodeId;
  readonly multiaddr: string;
  readonly lastSeenMs: number;
}

export interface PeerRepository {
  remember(peer: RememberedAddress): void;
  /** Latest first. */
  list(): RememberedAddress[];
  forget(nodeId: NodeId): void;
}

export function createPeerRepository(db: Database): PeerRepository {
  function remember({ nodeId, multiaddr, lastSeenMs }: RememberedAddress): void {
    db.run('INSERT OR REPLACE INTO peer_addresses VALUES (?, ?, ?)', nodeId, multiaddr, Math.trunc(lastSeenMs));
    db.run(
      `DELETE FROM peer_addresses WHERE node_id = ?1 AND multiaddr NOT IN
         (SELECT multiaddr FROM peer_addresses WHERE node_id = ?1 ORDER BY last_seen DESC, multiaddr LIMIT ?2)`,
      nodeId,
      REGISTRY_LIMITS.addressesPerPeer,
    );
    const count = Number(db.get('SELECT count(*) AS count FROM peer_addresses')?.count);
    const excess = count - REGISTRY_LIMITS.peerAddresses;
    if (excess > 0) deleteOldest(excess);
  }
  function deleteOldest(count: number): void {
    db.run(
      `DELETE FROM peer_addresses WHERE (node_id, multiaddr) IN
         (SELECT node_id, multiaddr FROM peer_addresses ORDER BY last_seen, node_id, multiaddr LIMIT ?)`,
      count,
    );
  }
  return {
    remember: (peer) => db.transaction(() => remember(peer)),
    list: () =>
      db.all('SELECT * FROM peer_addresses ORDER BY last_seen DESC, node_id, multiaddr').map((row) => ({
        nodeId: row.node_id as NodeId,
        multiaddr: row.multiaddr as string,
        lastSeenMs: row.last_seen as number,
      })),
    forget(nodeId) {
      db.run('DELETE FROM peer_addresses WHERE node_id = ?', nodeId);
    },
  };
}
