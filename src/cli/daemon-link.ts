/** Finds the daemon of a home. Spec: docs/spec/11-cli.md §4. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError, ControlClient, DAEMON_FILE, type DaemonFile, parseDaemonFile, TOKEN_FILE } from '../api/index.ts';
import { messageOf, systemCodeOf } from '../core/index.ts';
import { CliError } from './errors.ts';
import { isProcessAlive } from './process-alive.ts';

/** Throws ApiError `daemon_unreachable` when none runs; whether it answers shows with the first question. */
export async function openDaemonLink(home: string): Promise<ControlClient> {
  const file = await findDaemon(home);
  if (file === undefined) throw new ApiError('daemon_unreachable', `No daemon is running for ${home}`);
  const token = await readFile(join(home, TOKEN_FILE), 'utf8').catch((cause: unknown) => {
    throw new CliError('home_unusable', `Reading the local token of ${home}: ${messageOf(cause)}`, { cause });
  });
  return new ControlClient({ baseUrl: file.http, token: token.trim() });
}

/** What `run/daemon.json` says, if its process is alive. Throws ApiError `bad_daemon_file`, CliError `home_unusable`. */
export async function findDaemon(home: string): Promise<DaemonFile | undefined> {
  const text = await readIfThere(join(home, DAEMON_FILE));
  if (text === undefined) return undefined;
  const file = parseDaemonFile(text);
  return isProcessAlive(file.pid) ? file : undefined;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = systemCodeOf(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CliError('home_unusable', `Reading ${path}: ${messageOf(cause)}`, { cause });
  }
}
