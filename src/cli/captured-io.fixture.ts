/** `run` inside the test's own process, with what it wrote. */
import type { Io, Terminal } from './io.ts';
import { run } from './run.ts';

export interface Captured {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as one JSON value a line. */
  readonly documents: readonly Record<string, unknown>[];
}

export interface CaptureOptions {
  readonly env?: Record<string, string>;
  readonly columns?: number;
  readonly stdin?: string;
  readonly interrupted?: AbortSignal;
  readonly openDaemon?: Io['openDaemon'];
  readonly onStdout?: (text: string) => void;
}

export async function capture(argv: readonly string[], options: CaptureOptions = {}): Promise<Captured> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const code = await run(argv, captureIo(options, stdout, stderr));
  return {
    code,
    stdout: stdout.join(''),
    stderr: stderr.join(''),
    get documents() {
      const lines = stdout.join('').split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
    },
  };
}

export function captureIo(options: CaptureOptions = {}, stdout: string[] = [], stderr: string[] = []): Io {
  return {
    stdout: terminal(stdout, options),
    stderr: terminal(stderr, options),
    readLine: async () => options.stdin ?? '',
    env: options.env ?? {},
    cwd: '/work-dir',
    homeDir: '/nobody',
    interrupted: options.interrupted ?? new AbortController().signal,
    stdoutClosed: new AbortController().signal,
    self: ['false'],
    openDaemon: options.openDaemon ?? (() => Promise.reject(new Error('no daemon in this test'))),
  };
}

function terminal(into: string[], { columns, onStdout }: CaptureOptions): Terminal {
  return {
    write(text) {
      into.push(text);
      onStdout?.(text);
    },
    isTty: columns !== undefined,
    columns,
  };
}
