import { GiB, KiB, type LimitTable, limitValues, MiB } from '../core/index.ts';

export const DELTA_LIMIT_TABLE = {
  targetBytes: { value: 16 * 1024 * GiB, why: 'no model is larger; sizes stay far below 2^53' },
  blockBytes: { value: MiB, why: 'what one operation may add, except a copy; the format’s own bound' },
  windowBytes: { value: 2 * MiB, why: 'base bytes that serve as a dictionary; the format’s own bound' },
  zstdWindowLog: { value: 22, why: 'a frame’s window is at most 4 MiB: memory of one that is unpacked' },
  freeOperations: { value: 1024, why: 'operations of a difference, whatever its size' },
  operationBytes: { value: 256, why: 'beyond those, one for each so many bytes of the target' },
  freeBaseBytes: { value: 16 * MiB, why: 'bytes read of the base, whatever the target’s size' },
  baseReads: {
    value: 8,
    why: 'beyond those, times the target’s bytes: a small difference cannot cost days of reading',
  },
  inputBytes: { value: 256 * KiB, why: 'read of a difference at a time' },
  threads: { value: 2, why: 'threads that encode or decode, unless the caller says otherwise' },
  maxThreads: { value: 16, why: 'each has its own memory' },
  slots: { value: 6, why: 'blocks under way at once; each takes up to 6 MiB' },
  inlineBytes: { value: 4 * MiB, why: 'base and target together; below it no thread is started' },
  sampleBytes: { value: 64 * KiB, why: 'tried in each way, of a block of 1 MiB' },
  smallBytes: { value: MiB, why: 'up to it a base is the dictionary as a whole' },
  meanChunkBytes: { value: KiB, why: 'smallest mean of content-defined chunks' },
  maxMeanChunkBytes: { value: 64 * KiB, why: 'largest mean of content-defined chunks' },
  indexedChunks: { value: 131_072, why: 'chunks of the base held in memory, about 5 MB' },
  plannedRanges: { value: 262_144, why: 'copies and what lies between them, held while a difference is made' },
  pairedTensors: { value: 262_144, why: 'what formats allows of one file' },
  chainLength: { value: 4, why: 'each step writes a whole file' },
  worthItPercent: { value: 70, why: 'a larger difference costs more time than it saves; the whole target travels' },
} as const satisfies LimitTable;

export const DELTA_LIMITS = limitValues(DELTA_LIMIT_TABLE);
