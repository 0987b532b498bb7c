/** The pulls of this node: from whom, into what, remembered where. */
import type { AuditTrail } from './audit/audit-trail.ts';
import { auditTransfers } from './audit/watch-events.ts';
import { freeBytesAt, pieceHashStore } from './open-storage.ts';
import type { PieceHashStore } from './pull/ports.ts';
import { TransferService, type TransferServiceDeps } from './pull/transfer-service.ts';
import type { Surroundings } from './surroundings.ts';
import { transferLog } from './transfer-log.ts';

export interface TransferParts
  extends Pick<TransferServiceDeps, 'view' | 'models' | 'rates' | 'fetching' | 'differences'> {
  readonly audit: AuditTrail;
}

export interface Transfers {
  readonly transfers: TransferService;
  readonly pieceHashes: PieceHashStore;
  freeBytes(): Promise<number>;
}

export function openTransfers(around: Surroundings, parts: TransferParts, stack: AsyncDisposableStack): Transfers {
  const { home, registry, store, clock, logger } = around;
  const { audit, ...pulling } = parts;
  const freeBytes = () => freeBytesAt(home.folder);
  const pieceHashes = pieceHashStore(registry.pieceLists);
  const log = transferLog(registry.transfers);
  const transfers = new TransferService({ ...pulling, store, pieceHashes, freeBytes, log, clock, logger });
  stack.defer(() => transfers.close());
  stack.defer(auditTransfers(audit, transfers));
  return { transfers, pieceHashes, freeBytes };
}
