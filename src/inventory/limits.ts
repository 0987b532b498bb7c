import { type LimitTable, limitValues, MiB } from '../core/index.ts';

export const INVENTORY_LIMIT_TABLE = {
  scanConcurrency: { value: 16, why: 'repositories, manifests or files looked at at once' },
  walkDepth: { value: 12, why: 'folders below a root; ends loops of links together with the inode check' },
  walkEntries: { value: 500_000, why: 'entries looked at below one root' },
  filesPerModel: { value: 10_000, why: 'as many as a file list holds' },
  idChars: { value: 180, why: 'leaves room for a hash within the 200 of a model id' },
  manifestBytes: { value: MiB, why: 'an Ollama manifest is about 1 kB' },
  refBytes: { value: 256, why: 'a ref file holds one revision' },
  refsPerRepo: { value: 1000, why: 'branches and tags of one repository' },
  rememberedDescriptions: { value: 100_000, why: 'descriptions kept so that a rescan reads no header' },
  watchedFolders: { value: 8192, why: 'inotify watches are a shared resource; the periodic scan covers the rest' },
  watchRestMs: { value: 200, why: 'a burst of changes makes one scan' },
  minRescanMs: { value: 1000, why: 'a file that grows must not keep the scanner busy' },
  rescanCostFactor: { value: 5, why: 'scanning takes at most a fifth of the time' },
  settleMs: { value: 2000, why: 'a file that has not changed for this long is complete' },
  rescanIntervalMs: { value: 60_000, why: 'finds what events missed' },
  suspendedHashJobs: { value: 8, why: 'half-hashed files that wait for urgent ones' },
  hashBufferBytes: { value: MiB, why: 'two of these per file being hashed' },
  hashThreadIdleMs: { value: 5000, why: 'then the thread ends and gives its memory back; starting it takes 40 ms' },
  hashProgressMs: { value: 250, why: 'progress events of one file' },
} as const satisfies LimitTable;

export const INVENTORY_LIMITS = limitValues(INVENTORY_LIMIT_TABLE);
