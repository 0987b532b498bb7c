/** Looks that are taken again and again: a process for each would keep the machine from what is waited for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type AnswerOf,
  type CallInput,
  ControlClient,
  type ControlRouteName,
  RemoteError,
  TOKEN_FILE,
} from '../src/api/index.ts';
import type { DevNode } from '../src/testkit/processes.ts';

const LOOK_TIMEOUT_MS = 30_000;
const BETWEEN_MS = 50;

/** One question to the daemon itself, as its commands ask it. Undefined for what it does not know (yet). */
export async function look<Name extends ControlRouteName>(
  node: DevNode,
  name: Name,
  input: CallInput<Name> = {},
): Promise<AnswerOf<Name> | undefined> {
  await pause(BETWEEN_MS);
  const token = (await readFile(join(node.home, TOKEN_FILE), 'utf8')).trim();
  const client = new ControlClient({ baseUrl: node.ready.http, token });
  try {
    return await client.call(name, input, AbortSignal.timeout(LOOK_TIMEOUT_MS));
  } catch (thrown) {
    if (thrown instanceof RemoteError && thrown.kind === 'not_found') return undefined;
    throw thrown;
  }
}
