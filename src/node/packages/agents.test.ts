import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentStatus } from '../../agents/index.ts';
import { type Sha256, silentLogger, systemClock } from '../../core/index.ts';
import type { PackageRow, PackageVersion } from '../../registry/index.ts';
import { describeAgent } from './agent-words.ts';
import { PackageAgents } from './agents.ts';
import { runnerSetting } from './runner-setting.ts';

const STAYS = [process.execPath, '-e', 'setInterval(() => {}, 1000)', '{path}'];

let home: string;
let rows: PackageRow[];
let agents: PackageAgents;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'atmosphere-node-agents-'));
  rows = [];
  agents = new PackageAgents({
    ...{ runner: STAYS, home, nodeName: 'edge', httpUrl: () => 'http://127.0.0.1:1' },
    packages: { list: () => rows },
    folderOf: ({ id, version }) => join(home, id, version),
    ...{ clock: systemClock, logger: silentLogger },
  });
});

afterEach(async () => {
  await agents[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
});

function inForce(id: string, version: string, names: readonly string[]): PackageRow {
  mkdirSync(join(home, id, version, 'agents'), { recursive: true });
  const made = {
    install: 'x',
    manifestSha256: '00' as Sha256,
    createdBy: 'hq',
    createdAt: '',
    tier: 'tier_1',
    hasAllTiers: false,
  };
  const current: PackageVersion = {
    ...{ id, version, ...made, meshId: 'm', signer: 's', members: [], models: [], keptConfig: [], installedAtMs: 1 },
    agents: names.map((name) => ({ path: `agents/${name}.yaml`, id: name, version: '1' })),
  };
  return { id, install: 'x', current, previous: undefined, updatedAtMs: 1 };
}

function untilRunning(count: number): Promise<AgentStatus[]> {
  return new Promise((resolve) => {
    const look = () => {
      const running = agents.statuses().filter(({ state }) => state === 'running');
      if (running.length === count && agents.statuses().length === count) resolve(running);
    };
    agents.changes.on(look);
    look();
  });
}

describe('PackageAgents', () => {
  test('runs the agents of all versions in force, and no others', async () => {
    rows = [inForce('line', '1.2', ['vision', 'anomaly']), inForce('hall', '1.0', ['vision'])];
    await agents.apply();
    const before = await untilRunning(3);
    expect(before.map(({ packageId, id }) => `${packageId}/${id}`)).toEqual([
      'hall/vision',
      'line/anomaly',
      'line/vision',
    ]);
    rows = [inForce('line', '1.3', ['vision']), inForce('hall', '1.0', ['vision'])];
    await agents.apply();
    const after = await untilRunning(2);
    expect(after.find(({ packageId }) => packageId === 'line')?.path).toBe(
      join(home, 'line', '1.3', 'agents', 'vision.yaml'),
    );
    expect(after[0]?.pid).toBe(before[0]?.pid);
    expect(agents.statuses('line')).toHaveLength(1);
  });
});

describe('runnerSetting()', () => {
  const kept = new Map<string, unknown>();
  const settings = {
    get: (key: string) => kept.get(key),
    set: (key: string, value: unknown) => void kept.set(key, value),
    delete: (key: string) => void kept.delete(key),
  };

  test('keeps what was said last, until it is taken away', () => {
    expect(runnerSetting(settings, undefined)).toBeUndefined();
    expect(runnerSetting(settings, ['run', '{path}'])).toEqual(['run', '{path}']);
    expect(() => runnerSetting(settings, ['{path}'])).toThrow(expect.objectContaining({ code: 'bad_runner' }));
    expect(runnerSetting(settings, undefined)).toEqual(['run', '{path}']);
    expect(runnerSetting(settings, null)).toBeUndefined();
    expect(runnerSetting(settings, undefined)).toBeUndefined();
  });

  test('takes a setting that it can not read for none', () => {
    kept.set('agent_runner', ['{path}']);
    expect(runnerSetting(settings, undefined)).toBeUndefined();
  });
});

test('describeAgent() has a word for each state', () => {
  const agent = {
    packageId: 'line',
    packageVersion: '1',
    id: 'a',
    version: '1',
    path: '/a',
    folder: '/',
    logFile: '/l',
  };
  const words = (status: Partial<AgentStatus>) => describeAgent({ ...agent, restarts: 0, state: 'running', ...status });
  const exit = { atMs: 0, ranMs: 1_250 };
  expect(words({ pid: 7, sinceMs: 0, restarts: 1 })).toBe('pid 7 since 1970-01-01T00:00:00Z, started again 1 time');
  expect(words({ state: 'waiting', nextTryMs: 2_000, lastExit: { ...exit, code: 3 } })).toBe(
    'ended with code 3 after 1.3 s; next try at 1970-01-01T00:00:02Z',
  );
  expect(words({ state: 'waiting', nextTryMs: 0, lastExit: { ...exit, signal: 'SIGKILL' } })).toContain('by SIGKILL');
  expect(words({ state: 'waiting', lastExit: { ...exit, problem: 'spawn x ENOENT' } })).toContain('x ENOENT');
  expect(words({ state: 'no_runner' })).toContain('no agent runner');
  expect([words({ state: 'refused', reason: 'why' }), words({ state: 'starting' })]).toEqual(['why', 'starting']);
});
