/** What a node keeps on disk: its database and its blobs. */
import { statfs } from 'node:fs/promises';
import type { DaemonConfig } from '../api/index.ts';
import type { Logger } from '../core/index.ts';
import { openRegistry, type Registry } from '../registry/index.ts';
import { type BlobStore, openDiskBlobStore, removeHalfBuilt, STORE_LIMITS } from '../store/index.ts';
import type { Home } from './home.ts';
import type { PieceHashStore } from './pull/ports.ts';

export interface Storage {
  readonly registry: Registry;
  readonly store: BlobStore;
}

export async function openStorage(
  config: Pick<DaemonConfig, 'quotaBytes'>,
  home: Home,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<Storage> {
  const registry = stack.use(openRegistry(home.database));
  await removeHalfBuilt(home.folder);
  const { quotaBytes } = config;
  const store = await openDiskBlobStore({ folder: home.store, index: registry.blobIndex, quotaBytes, logger });
  stack.defer(() => store.close());
  return { registry, store };
}

/** Room for models: what is free, less what the rest of the machine keeps. */
export async function freeBytesAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return Math.max(0, bavail * bsize - STORE_LIMITS.reserveBytes);
}

export function pieceHashStore(pieceLists: Registry['pieceLists']): PieceHashStore {
  return {
    get: (sha256) => pieceLists.get(sha256)?.hashes,
    put: ({ sha256, sizeBytes, pieceRoot }, hashes) => pieceLists.put(sha256, { sizeBytes, pieceRoot, hashes }),
  };
}
