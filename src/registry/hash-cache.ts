/** Digests by file state, so that a file is read once. Satisfies inventory's HashCache. */
import type { Sha256 } from '../core/index.ts';
import type { Database } from './database.ts';

interface Fingerprint {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

interface Hashes {
  readonly sha256: Sha256;
  readonly pieceHashes: Buffer;
}

export interface HashCacheRepository {
  get(file: Fingerprint): Hashes | undefined;
  put(file: Fingerprint, hashes: Hashes): void;
}

export function createHashCache(db: Database): HashCacheRepository {
  return {
    get(file) {
      const row = db.get(
        `SELECT sha256, piece_hashes FROM file_hashes
         WHERE path = ? AND size_bytes = ? AND mtime_ns = ? AND inode = ? AND device = ?`,
        ...stateOf(file),
      );
      if (row === undefined) return undefined;
      return { sha256: row.sha256 as Sha256, pieceHashes: Buffer.from(row.piece_hashes as Uint8Array) };
    },
    put(file, { sha256, pieceHashes }) {
      db.run('INSERT OR REPLACE INTO file_hashes VALUES (?, ?, ?, ?, ?, ?, ?)', ...stateOf(file), sha256, pieceHashes);
    },
  };
}

function stateOf(file: Fingerprint): [string, number, string, string, string] {
  return [file.path, file.sizeBytes, String(file.mtimeNs), String(file.inode), String(file.device)];
}
