import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually, nextTurn } from '../testkit/eventually.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import type { AgentSupervisor } from './agent-supervisor.ts';
import { AgentBench, isRunning, nodeRunner, STAYS, untilStatuses } from './bench.fixture.ts';
import { AGENTS_LIMITS } from './limits.ts';
import { processMark } from './process-table.ts';
import type { AgentStatus } from './wanted-agent.ts';

const open: (AgentBench | AgentSupervisor)[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse())
    await (Symbol.dispose in one ? one[Symbol.dispose]() : one[Symbol.asyncDispose]());
});

function bench(): AgentBench {
  const made = new AgentBench();
  open.push(made);
  return made;
}

function opened(supervisor: AgentSupervisor): AgentSupervisor {
  open.push(supervisor);
  return supervisor;
}

const isGone = (pid: number | undefined) => processMark(pid ?? 0) === undefined;

describe('AgentSupervisor', () => {
  test('starts each agent once by the runner’s words, in the package’s folder, however often it is told', async () => {
    const here = bench();
    const agents = [here.wanted('vision'), here.wanted('anomaly')];
    const say = `console.log(JSON.stringify([process.argv.slice(1), process.cwd()])); ${STAYS}`;
    const supervisor = opened(here.supervisor(nodeRunner(say)));
    await supervisor.apply(agents);
    const first = await untilStatuses(supervisor, isRunning(true, true));
    await supervisor.apply([...agents].reverse());
    const second = await untilStatuses(supervisor, isRunning(true, true));
    expect(first.map(({ id, state }) => [id, state])).toEqual([
      ['anomaly', 'running'],
      ['vision', 'running'],
    ]);
    expect(second.map(({ pid }) => pid)).toEqual(first.map(({ pid }) => pid));
    const said = JSON.parse(
      await eventually(
        () => here.log(),
        (log) => log.endsWith('\n'),
      ),
    ) as unknown;
    expect(said).toEqual([[agents[0]?.path, 'vision', '1.2', 'line'], agents[0]?.folder]);
  });

  test('gives an agent what it is and nothing of the daemon’s own environment', async () => {
    const here = bench();
    process.env.ATMOSPHERE_TEST_SECRET = 'hidden';
    const supervisor = opened(
      here.supervisor(nodeRunner(`console.log(JSON.stringify(process.env)); ${STAYS}`), undefined, {
        ATMOSPHERE_HOME: here.folder,
      }),
    );
    await supervisor.apply([here.wanted()]);
    delete process.env.ATMOSPHERE_TEST_SECRET;
    const text = await eventually(
      () => here.log(),
      (said) => said.endsWith('\n'),
    );
    const env = JSON.parse(text) as Record<string, string>;
    expect(env).toMatchObject({ ATMOSPHERE_HOME: here.folder, ATMOSPHERE_AGENT: 'vision', ATMOSPHERE_PACKAGE: 'line' });
    const known = /^(PATH|HOME|LANG|TZ|TMPDIR|ATMOSPHERE_[A-Z_]+)$/;
    expect(Object.keys(env).filter((name) => !known.test(name))).toEqual([]);
    expect(env.ATMOSPHERE_TEST_SECRET).toBeUndefined();
  });

  test('starts an agent that ends again: later each time, at most a minute, from the start after a minute of life', async () => {
    const here = bench();
    const clock = new VirtualClock();
    const supervisor = opened(here.supervisor(nodeRunner('process.exit(3)'), clock));
    await supervisor.apply([here.wanted()]);
    const waits: number[] = [];
    for (let restarts = 0; restarts < 8; restarts += 1) {
      const [status] = await untilStatuses(
        supervisor,
        ([one]) => one?.state === 'waiting' && one.restarts === restarts,
      );
      expect(status?.lastExit).toMatchObject({ code: 3 });
      waits.push((status?.nextTryMs ?? 0) - clock.nowMs());
      await clock.advance(waits.at(-1) ?? 0);
    }
    const full = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    expect(waits.every((wait, index) => wait <= (full[index] ?? 0) && wait >= 0.75 * (full[index] ?? 0))).toBe(true);
    expect(new Set(waits.slice(-2)).size).toBe(2);
  });

  test('an agent that lived for a minute begins its back-off anew', async () => {
    const here = bench();
    const clock = new VirtualClock();
    const supervisor = opened(here.supervisor(nodeRunner(STAYS), clock));
    await supervisor.apply([here.wanted()]);
    const waits: number[] = [];
    for (const livedMs of [10, 10, 10, 60_000]) {
      const [running] = await untilStatuses(supervisor, isRunning(true));
      await clock.advance(livedMs);
      process.kill(running?.pid ?? 0, 'SIGKILL');
      const [waiting] = await untilStatuses(supervisor, ([one]) => one?.state === 'waiting');
      expect(waiting?.lastExit).toMatchObject({ signal: 'SIGKILL', ranMs: livedMs });
      waits.push((waiting?.nextTryMs ?? 0) - clock.nowMs());
      await clock.advance(waits.at(-1) ?? 0);
    }
    expect(waits[2]).toBeGreaterThan(2_900);
    expect(waits[3]).toBeLessThanOrEqual(1_000);
  });

  test('a runner that is not there is tried again, and said', async () => {
    const here = bench();
    const supervisor = opened(here.supervisor(['/no/such/program', '{path}']));
    await supervisor.apply([here.wanted()]);
    const [status] = await untilStatuses(supervisor, ([one]) => one?.state === 'waiting');
    expect(status?.lastExit?.problem).toContain('ENOENT');
    expect(status?.pid).toBeUndefined();
  });

  test('another version takes the place of the one before, which has ended first', async () => {
    const here = bench();
    const alone = `
      const fs = require('node:fs');
      const lock = process.argv[1] + '.lock';
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
      process.on('SIGTERM', () => setTimeout(() => { fs.rmSync(lock); process.exit(0) }, 50));
      console.log('alone');
      ${STAYS}`;
    const supervisor = opened(here.supervisor(nodeRunner(alone)));
    const [v1, v2, v3] = ['1.2', '1.3', '1.4'].map((version) => here.wanted('vision', { version }));
    await supervisor.apply([v1 as never]);
    const [first] = await untilStatuses(supervisor, isRunning(true));
    await eventually(() => here.log(), Boolean);
    void supervisor.apply([v2 as never]);
    await supervisor.apply([v3 as never]);
    const [last] = await untilStatuses(supervisor, ([one]) => one?.state === 'running');
    expect(last).toMatchObject({ version: '1.4', restarts: 0 });
    expect(isGone(first?.pid)).toBe(true);
    await eventually(
      () => here.log(),
      (log) => log.match(/alone/g)?.length === 2,
    );
    expect(await here.log()).not.toContain('EEXIST');
  });

  test('what is wanted no more ends with all that it started; one that does not listen is killed', async () => {
    const here = bench();
    const deaf = `
      process.on('SIGTERM', () => {});
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      console.log(child.pid);
      ${STAYS}`;
    const clock = new VirtualClock();
    const supervisor = opened(here.supervisor(nodeRunner(deaf), clock));
    await supervisor.apply([here.wanted()]);
    const [running] = await untilStatuses(supervisor, isRunning(true));
    const text = await eventually(
      () => here.log(),
      (said) => said !== '',
    );
    const ended = supervisor.apply([]);
    expect(supervisor.statuses()).toEqual([]);
    await clock.advance(AGENTS_LIMITS.stopGraceMs - 1);
    expect(isGone(running?.pid)).toBe(false);
    await clock.advance(1);
    await ended;
    expect(isGone(running?.pid)).toBe(true);
    await eventually(() => nextTurn().then(() => isGone(Number(text))), Boolean);
  });

  test('without a runner nothing is started, and every agent says so', async () => {
    const here = bench();
    const supervisor = opened(here.supervisor(undefined));
    await supervisor.apply([here.wanted()]);
    expect(supervisor.hasRunner).toBe(false);
    expect(supervisor.statuses()).toMatchObject([{ id: 'vision', state: 'no_runner' }]);
    expect(existsSync(join(here.folder, 'run'))).toBe(false);
  });

  test('an agent whose names would be an option of the runner’s is refused alone', async () => {
    const here = bench();
    const supervisor = opened(here.supervisor(nodeRunner(STAYS)));
    await supervisor.apply([here.wanted('--upload-all'), here.wanted('vision')]);
    const statuses = await untilStatuses(supervisor, isRunning(false, true));
    expect(statuses[0]).toMatchObject({ state: 'refused', reason: expect.stringContaining('--upload-all') as string });
  });

  test('what an agent writes is kept within two files', async () => {
    const here = bench();
    const endless = `const block = 'x'.repeat(65535) + '\\n';
      let left = 160;
      const more = () => { while (left-- > 0) if (!process.stdout.write(block)) return process.stdout.once('drain', more); };
      more(); ${STAYS}`;
    const supervisor = opened(here.supervisor(nodeRunner(endless)));
    await supervisor.apply([here.wanted()]);
    const folder = join(here.folder, 'logs', 'line');
    const written = async () => (await readdir(folder).catch(() => [])).sort();
    await eventually(written, (files) => files.length === 2);
    await supervisor.apply([]);
    expect(await written()).toEqual(['vision.log', 'vision.log.1']);
    expect((await here.log('vision.log.1')).length).toBeLessThanOrEqual(AGENTS_LIMITS.logBytes);
  });
});

describe.runIf(process.platform === 'linux')('a daemon that is killed', () => {
  async function killedDaemon(here: AgentBench, runner: readonly string[]): Promise<AgentStatus[]> {
    const module = join(import.meta.dirname, 'testing', 'supervising-child.ts');
    const task = JSON.stringify({ ...here.options(), runner, wanted: [here.wanted('anomaly'), here.wanted()] });
    const daemon = spawn(process.execPath, ['--no-warnings', module, task], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: daemon.stdout }), 'line')) as [string];
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    return JSON.parse(line) as AgentStatus[];
  }

  test('leaves agents that its successor ends before it starts its own', async () => {
    const here = bench();
    const orphans = await killedDaemon(here, nodeRunner(STAYS));
    expect(orphans.map(({ pid }) => isGone(pid))).toEqual([false, false]);
    const supervisor = opened(here.supervisor(nodeRunner(STAYS)));
    await supervisor.apply([here.wanted('anomaly'), here.wanted()]);
    const running = await untilStatuses(supervisor, isRunning(true, true));
    expect(orphans.map(({ pid }) => isGone(pid))).toEqual([true, true]);
    expect(running.map(({ pid }) => isGone(pid))).toEqual([false, false]);
  });

  test('is found out also where its notes are lost, by what stands in the environment', async () => {
    const here = bench();
    const orphans = await killedDaemon(here, nodeRunner(STAYS));
    rmSync(join(here.folder, 'run'), { recursive: true });
    const supervisor = opened(here.supervisor(undefined));
    await supervisor[Symbol.asyncDispose]();
    expect(orphans.map(({ pid }) => isGone(pid))).toEqual([true, true]);
  });

  test('an other process that has the number of a note by now is left alone', async () => {
    const here = bench();
    const stranger = spawn(process.execPath, ['-e', STAYS], { stdio: 'ignore', detached: true });
    mkdirSync(join(here.folder, 'run'));
    writeFileSync(join(here.folder, 'run', 'line@vision.json'), JSON.stringify({ pid: stranger.pid, mark: 'boot 1' }));
    writeFileSync(join(here.folder, 'run', 'torn.json'), '{"pid": 1, "mark": "');
    const supervisor = opened(here.supervisor(undefined));
    await supervisor[Symbol.asyncDispose]();
    expect(isGone(stranger.pid)).toBe(false);
    stranger.kill('SIGKILL');
  });
});
