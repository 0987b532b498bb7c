/**
 * `up --detach`: the same command again as a process of its own session, its log in a file, and its first line on
 * stdout read to learn how the start went. Spec: docs/spec/11-cli.md §3.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type DaemonReady, startLineSchema } from '../api/index.ts';
import { messageOf } from '../core/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { failureOfEvent } from './failure.ts';
import { announceReady } from './foreground.ts';
import { CLI_LIMITS } from './limits.ts';
import type { UpOptions } from './up-config.ts';

export async function startDetached(context: Context, options: UpOptions): Promise<number> {
  const log = join(context.home, 'logs', 'daemon.log');
  const child = launch(context, options, log);
  try {
    const ready = readReady(await firstLine(child, context.signal), log);
    announceReady(context, ready);
    context.out.note(`the daemon runs in the background; its log: ${options.logFile ?? log}`);
  } catch (thrown) {
    if (!context.signal.aborted) await hasEnded(child);
    child.kill('SIGTERM');
    throw thrown;
  } finally {
    child.stdout?.destroy();
    child.unref();
  }
  return 0;
}

function launch({ io, home, argv }: Context, { logFile }: UpOptions, log: string): ChildProcess {
  const [command, ...own] = io.self;
  const rest = argv.filter((word) => word !== '--detach' && word !== '-d' && word !== '--json');
  const logArgs = logFile === undefined ? ['--log-file', log] : [];
  return spawn(command, [...LEAN, ...own, ...rest, '--json', '--home', home, ...logArgs], {
    cwd: io.cwd,
    env: io.env,
    detached: true,
    stdio: ['ignore', 'pipe', openLog(home, log)],
  });
}

/** Else the young generation grows while the program is loaded, and the daemon has had 35 MB more than it ever needs again. */
const LEAN = ['--max-semi-space-size=1'];

function openLog(home: string, log: string): number {
  try {
    mkdirSync(join(home, 'logs'), { recursive: true, mode: 0o700 });
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) > CLI_LIMITS.logBytes) renameSync(log, `${log}.1`);
    return openSync(log, 'a', 0o600);
  } catch (cause) {
    throw new CliError('home_unusable', `Opening the daemon's log: ${messageOf(cause)}`, { cause });
  }
}

function firstLine(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const seconds = CLI_LIMITS.startTimeoutMs / 1000;
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(timer);
      reject(new CliError('daemon_not_started', `Starting the daemon: ${reason}`));
    };
    const timer = setTimeout(() => fail(`not ready in ${seconds} s`), CLI_LIMITS.startTimeoutMs);
    signal.addEventListener('abort', () => fail('interrupted'), { once: true });
    child.once('error', (error) => fail(error.message));
    child.once('close', (code, by) => fail(`it ended with ${by ?? `exit code ${code}`}`));
    let text = '';
    (child.stdout as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0 && text.length < CLI_LIMITS.readyLineBytes) return;
      clearTimeout(timer);
      resolve(text.slice(0, end));
    });
  });
}

/** A start that failed ends by itself, and writes its log before it does; it is given a moment for that. */
function hasEnded(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(resolve, CLI_LIMITS.failedStartEndsMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Throws the error that the start itself reported; CliError `daemon_not_started` for a line that is neither. */
function readReady(line: string, log: string): DaemonReady {
  const message = startLineSchema.safeParse(parseJson(line)).data;
  if (message === undefined)
    throw new CliError('daemon_not_started', `Starting the daemon: its first line is not understood; see ${log}`);
  if ('event' in message) return message;
  throw failureOfEvent({ ...message.error, error: message.error.message });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
