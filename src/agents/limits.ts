import { KiB, type LimitTable, limitValues, MiB } from '../core/index.ts';

export const AGENTS_LIMIT_TABLE = {
  runnerWords: { value: 64, why: 'words of the command that starts agents; a person wrote it' },
  runnerWordBytes: { value: 4 * KiB, why: 'one word of it, before its placeholders are filled' },
  valueChars: { value: 200, why: 'an id or version that a package puts in the place of a placeholder' },
  agents: { value: 256, why: 'processes that packages can have a node start; those after it wait and say so' },
  backOffMinMs: { value: 1_000, why: 'an agent that ends is started again after this, the first time' },
  backOffMaxMs: { value: 60_000, why: 'and at most after this: one that is mended is back within a minute' },
  steadyAfterMs: { value: 60_000, why: 'who lived this long has not failed at its start: the back-off begins anew' },
  stopGraceMs: { value: 5_000, why: 'from SIGTERM to SIGKILL; a daemon that is stopped waits for its agents' },
  killGraceMs: { value: 2_000, why: 'how long the end of a killed process is waited for; the kernel may hold it' },
  orphanLookMs: { value: 50, why: 'how often an agent that a killed daemon left is looked at while it ends' },
  logBytes: { value: 4 * MiB, why: 'one file of what an agent writes; with the one before it twice that' },
  noteBytes: { value: KiB, why: 'a note of a process that runs; a longer one is not ours' },
} as const satisfies LimitTable;

export const AGENTS_LIMITS = limitValues(AGENTS_LIMIT_TABLE);
