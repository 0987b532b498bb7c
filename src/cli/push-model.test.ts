import { describe, expect, test } from 'vitest';
import { capture } from './captured-io.fixture.ts';
import { type Answers, errorBody, lines, openFakeDaemon } from './fake-daemon.fixture.ts';

const PUSH = 'POST /api/v1/deployments';
const UNDEPLOY = 'POST /api/v1/deployments/remove';
const STATUS = 'GET /api/v1/deployments';

const facts = {
  command_id: '6f9f1d5e-3f52-4b8e-9c1a-7a5a0d9b2c11',
  action: 'deploy',
  model_id: 'acme/detector',
  version: '1.2.0',
};
const node = (name: string, online = true) => ({ node_id: `id-${name}`, node_name: name, online });

function row(name: string, change: object = {}) {
  return {
    ...node(name),
    ...{ this_node: false, model_id: 'acme/detector', version: '1.2.0', sha256: 'ab'.repeat(32), status: 'Loaded' },
    ...{ download_progress: 1, local_path: null, verified_at: null, loaded_at: null, error: null, error_code: null },
    ...{ because: 'command:1', previous_version: null, transfer_ms: null, updated_at: '2027-01-15T08:00:00Z' },
    ...change,
  };
}

const ordered = { event: 'ordered', ...facts, nodes: [node('line-1'), node('line-2'), node('line-3', false)] };
const told = (name: string, change: object = {}) => ({
  event: 'status',
  ...facts,
  node: node(name),
  status: row(name, change),
});

async function model(answers: Answers, argv: readonly string[]) {
  await using daemon = await openFakeDaemon(answers);
  return await capture(['model', ...argv, '--home', daemon.home]);
}

describe('model push', () => {
  test('sends what was said, tells a line a node and change, and ends with a table', async () => {
    let sent: unknown;
    const answers: Answers = {
      [PUSH]: ({ body }) => {
        sent = body;
        const moving = told('line-1', { status: 'Downloading', download_progress: 0.4 });
        const again = told('line-1', { status: 'Downloading', download_progress: 0.401 });
        return lines(ordered, moving, again, told('line-1'), told('line-2'), {
          event: 'completed',
          ...facts,
          done: 2,
          failures: 0,
          waiting: 0,
        });
      },
    };
    const argv = [
      'push',
      'acme/detector@^1',
      'line-1',
      'line-2',
      '--label',
      'line=3',
      '--priority',
      '1',
      '--no-load',
      '--replicas',
      '2',
    ];
    const { code, stdout, stderr } = await model(answers, argv);
    expect(code).toBe(0);
    expect(sent).toEqual({
      ...{ id: 'acme/detector', range: '^1', load: false, wait: false, priority: 1, replicas: 2 },
      target: { nodes: ['line-1', 'line-2'], roles: [], regions: [], labels: { line: '3' } },
    });
    expect(stdout).toContain('line-1: Downloading 40%\nline-1: Loaded 1.2.0\nline-2: Loaded 1.2.0\n');
    expect(stdout).toContain('line-3  away');
    expect(stdout).toContain('2 of 2 nodes done');
    expect(stderr).toContain('1 is away, and will catch up at return');
  });

  test('a node that failed is told with why, and the exit code says so', async () => {
    const failed = {
      event: 'failed',
      ...facts,
      done: 1,
      failures: 1,
      waiting: 0,
      error: '1 of 2 nodes failed',
      code: 'deployment_failed',
      kind: 'refused',
    };
    const bad = told('line-2', { status: 'Failed', error: 'needs 8 GB', error_code: 'memory' });
    const answers: Answers = { [PUSH]: () => lines(ordered, told('line-1'), bad, failed) };
    const { code, stdout, stderr } = await model(answers, ['push', 'acme/detector', '--all']);
    expect(code).toBe(6);
    expect(stdout).toMatch(/line-2 +Failed +1\.2\.0 +needs 8 GB/);
    expect(stderr).toContain('1 of 2 nodes failed');
    const { documents } = await model(answers, ['push', 'acme/detector', '--all', '--json']);
    expect(documents.map(({ event }) => event)).toEqual(['ordered', 'status', 'status', 'failed']);
  });

  test('--detach leaves it to the nodes', async () => {
    const { code, stdout, stderr } = await model({ [PUSH]: () => lines(ordered) }, [
      'push',
      'acme/detector',
      '--all',
      '-d',
    ]);
    expect([code, stdout]).toEqual([0, `ordered, command ${facts.command_id}\n`]);
    expect(stderr).toContain('atmosphere model status');
  });

  test('an answer that breaks off is an error, and the order is not said to be lost', async () => {
    const { code, stderr } = await model({ [PUSH]: () => lines(ordered) }, ['push', 'acme/detector', '--all']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('broke off');
    expect(stderr).toMatch(/try: atmosphere .*model status acme\/detector\n/);
  });

  test.each([
    [[], '--all'],
    [['line-1', '--all'], 'leave the other choices out'],
    [['--all', '--priority', '7'], 'from 1'],
    [['--label', 'shift'], 'KEY=VALUE'],
    [['--all', '--replicas', '-1'], 'whole number'],
  ])('push acme/detector %j is refused before anything is asked', async (argv, why) => {
    const { code, stderr } = await model({}, ['push', 'acme/detector', ...argv]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  });

  test('what the daemon refuses has the next command', async () => {
    const answers: Answers = {
      [PUSH]: () => {
        throw { ...errorBody('not_found', 'Looking for lime-1: the nearest are line-1'), code: 'node_not_found' };
      },
    };
    const { code, stderr } = await model(answers, ['push', 'acme/detector', 'lime-1']);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/try: atmosphere .*mesh nodes/)]);
  });
});

test('model undeploy tells where it is gone', async () => {
  const gone = { event: 'status', ...facts, action: 'remove', node: node('line-1') };
  const done = { event: 'completed', ...facts, action: 'remove', done: 1, failures: 0, waiting: 0 };
  const answers: Answers = {
    [UNDEPLOY]: () => lines({ ...ordered, action: 'remove', nodes: [node('line-1')] }, gone, done),
  };
  const { code, stdout } = await model(answers, ['undeploy', 'acme/detector', 'line-1']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('line-1: removed')]);
  expect(stdout).toContain('1 of 1 node done');
});

const metrics = {
  ...{ total_models: 1, total_deployments: 1, pending_transfers: 0, failed_transfers_24h: 1 },
  ...{ avg_transfer_time_ms: 5, rollback_failed: 1, by_model: {} },
};

test('model status of a fleet where nothing is deployed says how to begin', async () => {
  const answers: Answers = { [STATUS]: () => ({ deployments: [], deployment_metrics: metrics }) };
  const { stderr } = await model(answers, ['status', 'acme/detector']);
  expect(stderr).toContain('no node tells of acme/detector; to begin: atmosphere model push acme/detector NODE');
});

test('model status shows the fleet, and shouts where a way back failed', async () => {
  const stuck = row('line-2', {
    status: 'Failed',
    error: 'Going back to 1.1.0 failed: no memory',
    error_code: 'rollback_failed',
  });
  const because = 'rollout:6f9f1d5e-3f52-4b8e-9c1a-7a5a0d9b2c11';
  const well = row('line-1', { because });
  const answers: Answers = { [STATUS]: () => ({ deployments: [well, stuck], deployment_metrics: metrics }) };
  const { stdout, stderr } = await model(answers, ['status']);
  expect(stdout).toContain('1 model in 1 deployment, 0 under way, 1 failed within 24 h');
  expect(stdout).toMatch(/Loaded +rollout 6f9f1d5e\b(?!-)/);
  expect(stderr).toContain('line-2: acme/detector: Going back to 1.1.0 failed');
  expect(stderr).toContain('more: atmosphere rules explain NODE');
});
