import { KiB, type LimitTable, limitValues, MiB } from '../core/index.ts';

export const PACKING_LIMIT_TABLE = {
  missionBytes: { value: 256 * KiB, why: 'mission.yaml, which people write by hand' },
  missionFiles: {
    value: 20_000,
    why: 'files below a mission’s folder that are looked at: as many as a package may have',
  },
  missionDepth: { value: 16, why: 'folders in each other below a mission' },
  missionProblems: { value: 100, why: 'mistakes and missing pieces that are told one by one' },
  namesNear: { value: 3, why: 'nearest names told of each missing piece' },
  progressMs: { value: 100, why: 'how often progress is told' },
  founderKeyBytes: { value: 16 * KiB, why: 'a private key in PEM' },
  differenceFromBytes: {
    value: 4 * KiB,
    why: 'smaller files come whole: a difference has a header, and an entry in the archive',
  },
  chunkBlockBytes: { value: MiB, why: 'unit of reading a file whose lines are counted' },
} as const satisfies LimitTable;

export const PACKING_LIMITS = limitValues(PACKING_LIMIT_TABLE);
