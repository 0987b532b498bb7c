import { type LimitTable, limitValues, MiB } from '../core/index.ts';

export const CLI_LIMIT_TABLE = {
  inspectTimeoutMs: { value: 120_000, why: 'listing what a large model would import' },
  answerTimeoutMs: { value: 30_000, why: 'how long a command waits for one answer of the daemon' },
  failedStartEndsMs: {
    value: 3000,
    why: 'a background start that reported an error ends by itself in this time, or is ended',
  },
  logBytes: {
    value: 10 * MiB,
    why: 'a log of a background daemon that is begun anew at the next start; one old one is kept',
  },
  stdinChars: { value: 4096, why: 'a line read from stdin, such as an invite code' },
  joinTimeoutMs: { value: 90_000, why: 'a join dials every address of the invite, one after another' },
  startTimeoutMs: { value: 60_000, why: 'how long `up --detach` waits for the ready line' },
  stopTimeoutMs: { value: 10_000, why: 'how long `up` waits for the daemon to close after a signal' },
  downTimeoutMs: { value: 20_000, why: 'how long `down` waits before it sends SIGTERM' },
  killTimeoutMs: { value: 5_000, why: 'how long `down` waits after SIGTERM' },
  interruptTimeoutMs: { value: 5_000, why: 'how long an interrupted command tries to end its work cleanly' },
  redrawMs: { value: 100, why: 'a bar redrawn more often only flickers' },
  plainLineMs: { value: 5_000, why: 'a log of a slow transfer shows that it lives' },
  plainLineMinMs: { value: 1_000, why: 'a log of a quick transfer stays short' },
  readyLineBytes: { value: 65_536, why: 'the first line of a daemon started in the background' },
  rulesBytes: { value: 128 * 1024, why: 'a file of deployment rules; the daemon takes no longer one' },
} as const satisfies LimitTable;

export const CLI_LIMITS = limitValues(CLI_LIMIT_TABLE);
