/** Joins `run` to this process. Spec: docs/spec/11-cli.md §8. */
import { homedir } from 'node:os';
import type { OpenDaemon } from '../api/index.ts';
import { messageOf, systemCodeOf } from '../core/index.ts';
import { CliError } from './errors.ts';
import type { Io, Terminal } from './io.ts';
import { CLI_LIMITS } from './limits.ts';
import { run } from './run.ts';

const INTERRUPTED = 130;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function runProcess(openDaemon: OpenDaemon): Promise<void> {
  const stdoutClosed = watchStdout();
  const io: Io = {
    stdout: toTerminal(process.stdout),
    stderr: toTerminal(process.stderr),
    readLine: readFirstLine,
    env: process.env,
    cwd: process.cwd(),
    homeDir: homedir(),
    interrupted: watchSignals(),
    stdoutClosed,
    self: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
    openDaemon,
  };
  const code = await run(process.argv.slice(2), io).catch((thrown: unknown) => {
    process.stderr.write(`error: ${messageOf(thrown)}\n`);
    return 1;
  });
  await flush(process.stdout);
  await flush(process.stderr);
  // Sockets kept alive for a next question must not keep the process.
  process.exit(code === INTERRUPTED && stdoutClosed.aborted ? 0 : code);
}

function watchSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of SIGNALS)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      controller.abort();
    });
  return controller.signal;
}

function watchStdout(): AbortSignal {
  const controller = new AbortController();
  process.stdout.on('error', (error) => {
    if (systemCodeOf(error) !== 'EPIPE') process.stderr.write(`error: Writing to stdout: ${error.message}\n`);
    controller.abort();
  });
  process.stderr.on('error', () => {});
  return controller.signal;
}

async function readFirstLine(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.includes('\n') || text.length > CLI_LIMITS.stdinChars) break;
  }
  const line = text.split('\n', 1)[0]?.trim() ?? '';
  if (line !== '' && line.length <= CLI_LIMITS.stdinChars) return line;
  throw new CliError('bad_usage', 'Reading from stdin: there is no line, or it is too long');
}

function toTerminal(stream: NodeJS.WriteStream): Terminal {
  return {
    write: (text) => {
      if (!stream.destroyed) stream.write(text);
    },
    isTty: stream.isTTY === true,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => stream.write('', () => resolve()));
}
