import { GiB, KiB, type LimitTable, limitValues, MiB, TiB } from '../core/index.ts';

export const ATMO_LIMIT_TABLE = {
  members: { value: 25_000, why: 'files and folders of one package; each costs memory before anything is verified' },
  memberBytes: { value: TiB, why: 'the largest file: as the largest blob' },
  packageBytes: { value: 4 * TiB, why: 'the largest package' },
  directoryBytes: { value: 8 * MiB, why: 'central directory of an archive, read whole when it is opened' },
  extraFieldBytes: { value: KiB, why: 'extra fields of one header: time stamps, owners, sizes over 4 GiB' },
  headersAtOnce: { value: 32, why: 'local headers of an archive that are read at once when all are compared' },
  folderDepth: { value: 16, why: 'folders in each other; each of a path costs memory' },
  copyBlockBytes: { value: MiB, why: 'unit of reading, hashing and writing a package' },
  copyBlocks: { value: 4, why: 'one is filled while others are hashed and written' },
  inlineHashBytes: { value: 8 * MiB, why: 'smaller files are hashed without a thread, which takes 40 ms to start' },
  syncBytes: {
    value: 256 * MiB,
    why: 'written before the medium is asked to keep it, so that the end is not one long wait',
  },
  openFiles: { value: 4, why: 'files of a folder or parts that are kept open between reads' },
  parts: { value: 999, why: 'parts of one package: three digits keep `cat name.atmo.*` in order' },
  minPartBytes: { value: MiB, why: 'smaller parts would be more than the medium is worth' },
  maxPartBytes: { value: TiB, why: 'a larger part is not split at all' },
  partsIndexBytes: { value: 512 * KiB, why: 'the index of 999 parts, with room' },
  inboxPackages: { value: 64, why: 'packages that wait for parts at once in an inbox' },
  incomingParts: { value: 8, why: 'copies that were broken off and are kept to go on with' },
  unclaimedParts: { value: 32, why: 'parts kept that came before their index' },
  unclaimedBytes: { value: 64 * GiB, why: 'their bytes together: a few sticks' },
  checksumsBytes: { value: 6 * MiB, why: 'checksums.sha256 of 4,000 files with the longest paths' },
  packageProblems: { value: 200, why: 'faults of one package that are told at once' },
  chunkLineBytes: { value: 16 * MiB, why: 'one chunk of knowledge, a line' },
  chunksPerFile: { value: 4_000_000, why: 'chunks of one file of knowledge; two files compared take 128 MB' },
} as const satisfies LimitTable;

export const ATMO_LIMITS = limitValues(ATMO_LIMIT_TABLE);
