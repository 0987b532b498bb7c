/** `doctor`: what can be seen without a daemon, then what the daemon sees. Exit code 1 when a check fails. */
import { accessSync, constants, existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { DAEMON_DEFAULTS, type DoctorReport } from '../api/index.ts';
import { formatBytes, GB, messageOf, systemCodeOf } from '../core/index.ts';
import { withHome } from './advice.ts';
import type { Context } from './context.ts';
import { findDaemon } from './daemon-link.ts';

type Check = DoctorReport['checks'][number];

const OLDEST_NODE = 24;
const LITTLE_SPACE = 5 * GB;
const COLORS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

export async function examine(context: Context): Promise<number> {
  const seen = await Promise.all([checkHome(context.home), checkSpace(context.home), checkDaemon(context)]);
  const checks = toReport([checkNode(process.versions.node), ...seen.flat()], context);
  const { out } = context;
  out.answer({ checks }, () =>
    checks.flatMap(({ name, state, detail, try: advice }) => [
      `${out.paint(COLORS[state], state.padEnd(4))}  ${name}: ${detail}`,
      ...(advice === undefined ? [] : [`      try: ${advice}`]),
    ]),
  );
  return checks.some(({ state }) => state === 'fail') ? 1 : 0;
}

/** A later check of the same thing, by the daemon that uses it, replaces the one from outside. Advice repeats `--home`. */
function toReport(checks: readonly Check[], { homeFlag }: Context): Check[] {
  const byName = new Map<string, Check>();
  for (const check of checks) {
    const advice = withHome(check.try, homeFlag);
    byName.set(check.name, advice === undefined ? check : { ...check, try: advice });
  }
  return [...byName.values()];
}

function checkNode(version: string): Check {
  const name = 'Node.js';
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return { name, state: 'ok', detail: `version ${version}` };
  return { name, state: 'fail', detail: `version ${version}, wanted ${OLDEST_NODE} or newer`, try: 'npm run setup' };
}

function checkHome(home: string): Check {
  const name = 'home';
  const nearest = nearestExisting(home);
  try {
    accessSync(nearest, constants.R_OK | constants.W_OK | constants.X_OK);
    return { name, state: 'ok', detail: nearest === home ? `${home} is writable` : `${home} can be made` };
  } catch (thrown) {
    return { name, state: 'fail', detail: messageOf(thrown), try: 'atmosphere --home DIR status' };
  }
}

async function checkSpace(home: string): Promise<Check> {
  const name = 'disk';
  try {
    const { bavail, bsize } = await statfs(nearestExisting(home));
    const free = bavail * bsize;
    return { name, state: free < LITTLE_SPACE ? 'warn' : 'ok', detail: `${formatBytes(free)} free for ${home}` };
  } catch (thrown) {
    return { name, state: 'warn', detail: messageOf(thrown) };
  }
}

async function checkDaemon(context: Context): Promise<Check[]> {
  const name = 'daemon';
  try {
    const file = await findDaemon(context.home);
    if (file === undefined) {
      const detail = `none is running for ${context.home}`;
      return [
        { name, state: 'warn', detail, try: 'atmosphere up --detach' },
        await checkPort(DAEMON_DEFAULTS.httpPort),
      ];
    }
    const { checks } = await context.call('doctor');
    return [{ name, state: 'ok', detail: `pid ${file.pid} answers at ${file.http}` }, ...checks];
  } catch (thrown) {
    return [{ name, state: 'fail', detail: messageOf(thrown), try: 'atmosphere down && atmosphere up --detach' }];
  }
}

function checkPort(port: number): Promise<Check> {
  const name = 'port';
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) =>
      resolve({ name, state: 'warn', detail: describePort(port, error), try: 'atmosphere up --detach --port 0' }),
    );
    server.listen(port, () => server.close(() => resolve({ name, state: 'ok', detail: `${port} is free` })));
  });
}

function describePort(port: number, error: Error): string {
  return systemCodeOf(error) === 'EADDRINUSE' ? `${port} is taken by another program` : `${port}: ${messageOf(error)}`;
}

function nearestExisting(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}
