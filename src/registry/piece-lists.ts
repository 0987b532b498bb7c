/** Piece lists that this node has made or checked. */
import type { PieceRoot, Sha256 } from '../core/index.ts';
import type { Database } from './database.ts';

export interface StoredPieceList {
  readonly sizeBytes: number;
  readonly pieceRoot: PieceRoot;
  /** 32 bytes a piece, in order. */
  readonly hashes: Buffer;
}

export interface PieceListRepository {
  get(sha256: Sha256): StoredPieceList | undefined;
  put(sha256: Sha256, list: StoredPieceList): void;
  delete(sha256: Sha256): void;
}

export function createPieceLists(db: Database): PieceListRepository {
  return {
    get(sha256) {
      const row = db.get('SELECT * FROM piece_lists WHERE sha256 = ?', sha256);
      if (row === undefined) return undefined;
      return {
        sizeBytes: row.size_bytes as number,
        pieceRoot: row.piece_root as PieceRoot,
        hashes: Buffer.from(row.hashes as Uint8Array),
      };
    },
    put(sha256, { sizeBytes, pieceRoot, hashes }) {
      db.run('INSERT OR REPLACE INTO piece_lists VALUES (?, ?, ?, ?)', sha256, sizeBytes, pieceRoot, hashes);
    },
    delete(sha256) {
      db.run('DELETE FROM piece_lists WHERE sha256 = ?', sha256);
    },
  };
}
