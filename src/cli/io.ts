/** What the command line needs of its process, so that `run` can be called inside another one. */
import type { OpenDaemon } from '../api/index.ts';

export interface Terminal {
  write(text: string): void;
  readonly isTty: boolean;
  /** Undefined where it is no terminal. */
  readonly columns: number | undefined;
}

export interface Io {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** The first line of stdin, for what must not stand in a command line. Throws CliError `bad_usage` when there is none. */
  readonly readLine: () => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly homeDir: string;
  /** Aborted by the first signal. */
  readonly interrupted: AbortSignal;
  /** Aborted when nobody reads stdout any more. */
  readonly stdoutClosed: AbortSignal;
  /** The command that starts this program again: executable, its flags, the entry file. */
  readonly self: readonly [string, ...string[]];
  readonly openDaemon: OpenDaemon;
}
