import { type LimitTable, limitValues, MiB } from '../core/index.ts';

const DAY_MS = 86_400_000;

export const STORE_LIMIT_TABLE = {
  streamChunkBytes: {
    value: MiB,
    why: 'one read of a stream: large enough for full speed, small enough for many readers',
  },
  syncStepBytes: { value: 64 * MiB, why: 'written bytes between background syncs: what a power cut can put in doubt' },
  reserveBytes: { value: 512 * MiB, why: 'free space a download leaves to the rest of the machine' },
  piecesPerBlob: { value: 65_536, why: 'pieces of one blob (docs/limits.md, maxPieces)' },
  journalBytes: { value: 16 * MiB, why: 'a larger journal is not one of ours and is not read' },
  partKeptMs: { value: 30 * DAY_MS, why: 'how long a part is kept that nobody goes on with' },
  holderChars: { value: 200, why: 'the name of one use of a blob' },
} as const satisfies LimitTable;

export const STORE_LIMITS = limitValues(STORE_LIMIT_TABLE);
