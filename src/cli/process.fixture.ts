/** The bin with a daemon that is only a server: for tests of signals, pipes and processes. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DAEMON_FILE, type Daemon, type DaemonConfig } from '../api/index.ts';
import { CliError } from './errors.ts';
import { lines, openFakeDaemon } from './fake-daemon.fixture.ts';
import { runProcess } from './process-run.ts';
import { makePullEvent, makeRow } from './samples.fixture.ts';

async function openDaemon({ home, name = 'fixture' }: DaemonConfig): Promise<Daemon> {
  if (name === 'mute') process.exit(9);
  if (name === 'broken') throw new CliError('home_unusable', 'Opening the daemon: the disk is on fire');
  const stopped = Promise.withResolvers<void>();
  const stop = async () => {
    if (name === 'stubborn') return new Promise<void>(() => {});
    await rm(join(home, DAEMON_FILE), { force: true });
    stopped.resolve();
  };
  const pullEnded = Promise.withResolvers<void>();
  async function* pull() {
    yield makePullEvent();
    await pullEnded.promise;
    yield { ...makePullEvent({ event: 'failed' }), error: 'Cancelled', code: 'cancelled', kind: 'cancelled' };
  }
  const { http } = await openFakeDaemon(
    {
      'GET /api/v1/models': () => ({ contract: 1, models: Array.from({ length: 2000 }, () => makeRow()) }),
      'GET /api/v1/transfers/events': () => lines(),
      'POST /api/v1/transfers': pull,
      [`DELETE /api/v1/transfers/${makePullEvent().request_id}`]: () => {
        pullEnded.resolve();
        return {};
      },
      'POST /api/v1/shutdown': () => {
        setImmediate(stop);
        return { stopping: true };
      },
    },
    { home },
  );
  const ready = {
    node_id: 'node-a',
    name,
    http,
    agent: 'http://127.0.0.1:1',
    mesh: ['/ip4/127.0.0.1/tcp/1'],
    home,
    pid: process.pid,
  };
  return { ready, stopped: stopped.promise, stop };
}

await runProcess(openDaemon);
