/** The blob store's index over restarts. Satisfies store's BlobIndex. */
import type { Sha256 } from '../core/index.ts';
import type { Database, Row } from './database.ts';

interface Place {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly place: 'owned' | 'adopted';
  readonly path: string;
  readonly state: FileStateFields | undefined;
}

interface FileStateFields {
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly inode: bigint;
  readonly device: bigint;
}

export interface BlobIndexRepository {
  places(sha256: Sha256): readonly Place[];
  allPlaces(): readonly Place[];
  putPlace(place: Place): void;
  deletePlace(sha256: Sha256, path: string): void;
  isPinned(sha256: Sha256): boolean;
  setPinned(sha256: Sha256, pinned: boolean): void;
  addRef(sha256: Sha256, holder: string): void;
  removeRef(sha256: Sha256, holder: string): void;
  refs(sha256: Sha256): readonly string[];
}

const OWNED_FIRST = "ORDER BY place = 'adopted', path";

export function createBlobIndex(db: Database): BlobIndexRepository {
  return {
    places: (sha256) => db.all(`SELECT * FROM blob_places WHERE sha256 = ? ${OWNED_FIRST}`, sha256).map(toPlace),
    allPlaces: () => db.all(`SELECT * FROM blob_places ${OWNED_FIRST}`).map(toPlace),
    putPlace({ sha256, path, place, sizeBytes, state }) {
      const fields = state === undefined ? [null, null, null] : [state.mtimeNs, state.inode, state.device].map(String);
      db.run(
        'INSERT OR REPLACE INTO blob_places VALUES (?, ?, ?, ?, ?, ?, ?)',
        sha256,
        path,
        place,
        sizeBytes,
        ...fields,
      );
    },
    deletePlace(sha256, path) {
      db.run('DELETE FROM blob_places WHERE sha256 = ? AND path = ?', sha256, path);
    },
    isPinned: (sha256) => db.get('SELECT 1 FROM blob_pins WHERE sha256 = ?', sha256) !== undefined,
    setPinned(sha256, pinned) {
      db.run(pinned ? 'INSERT OR IGNORE INTO blob_pins VALUES (?)' : 'DELETE FROM blob_pins WHERE sha256 = ?', sha256);
    },
    addRef(sha256, holder) {
      db.run('INSERT OR IGNORE INTO blob_refs VALUES (?, ?)', sha256, holder);
    },
    removeRef(sha256, holder) {
      db.run('DELETE FROM blob_refs WHERE sha256 = ? AND holder = ?', sha256, holder);
    },
    refs: (sha256) =>
      db
        .all('SELECT holder FROM blob_refs WHERE sha256 = ? ORDER BY holder', sha256)
        .map((row) => row.holder as string),
  };
}

function toPlace(row: Row): Place {
  const sizeBytes = row.size_bytes as number;
  return {
    sha256: row.sha256 as Sha256,
    sizeBytes,
    place: row.place as Place['place'],
    path: row.path as string,
    state: row.mtime_ns === null ? undefined : toState(row, sizeBytes),
  };
}

function toState(row: Row, sizeBytes: number): FileStateFields {
  return {
    sizeBytes,
    mtimeNs: BigInt(row.mtime_ns as string),
    inode: BigInt(row.inode as string),
    device: BigInt(row.device as string),
  };
}
