import { type LimitTable, limitValues, MiB } from '../core/index.ts';

export const CONTENT_LIMIT_TABLE = {
  minPieceBytes: { value: MiB, why: 'smaller pieces cost more in hashes and requests than they save' },
  maxPieceBytes: { value: 16 * MiB, why: 'what one bad piece can cost' },
  preferredPieces: {
    value: 2048,
    why: 'pieces grow with the blob until it has this many, then only their number grows',
  },
  maxPieces: { value: 65_536, why: 'a piece list is at most 2 MiB' },
} as const satisfies LimitTable;

export const CONTENT_LIMITS = limitValues(CONTENT_LIMIT_TABLE);
