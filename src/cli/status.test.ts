import { expect, test } from 'vitest';
import type { NodeRow, Status } from '../api/index.ts';
import { capture } from './captured-io.fixture.ts';
import { openFakeDaemon } from './fake-daemon.fixture.ts';

const plain: Status = {
  ...{ node_id: 'node-a', name: 'alpha', role: 'member', version: '0.1.0', home: '/home', pid: 7, uptime_s: 60 },
  mesh: { mesh_id: 'm', name: 'site', authority: false, members: 3, connected: 2 },
  listen: { http: 'http://127.0.0.1:1', mesh: [] },
  models: { local: 0, ready: 0, mesh: 2, size_bytes: 0 },
  hashing: { files_left: 0, bytes_left: 0, current: null },
  transfers: { active: 0, completed: 0, failed: 0 },
  store: { owned_bytes: 0, partial_bytes: 0, free_bytes: 1e9 },
  limits: { profile: 'lan', download: 'unlimited', upload: 'unlimited', by_size: false, until: null },
  ...{ relays: [], relay: null, mirrors: [], memory_bytes: 1e8, problems: [] },
  ...{ tier: 'tier_2', agent_runner: null, agents: [] },
};

async function statusOf(change: Partial<Status>): Promise<string> {
  const status = { ...plain, ...change };
  await using daemon = await openFakeDaemon({ 'GET /api/v1/status': () => status });
  const json = await capture(['status', '--home', daemon.home, '--json']);
  expect(json.documents).toEqual([status]);
  return (await capture(['status', '--home', daemon.home])).stdout;
}

test('status of a node without limits, relays and mirrors has a word on the limits only', async () => {
  const text = await statusOf({});
  expect(text).toMatch(/^limits +none$/m);
  expect(text).not.toMatch(/relay|mirror/);
});

test('status says which limits hold, and until when', async () => {
  const now = { download: '50Mbps', upload: '2Mbps', by_size: true, until: '2027-01-01T12:00:00.000Z' };
  expect(await statusOf({ limits: { profile: 'metered', ...now } })).toMatch(
    /^limits +metered: download 50Mbps, upload 2Mbps, each transfer by its size, until 2027-01-0\d \d\d:00$/m,
  );
});

test('status says by which relays the node is to be reached, and what is wrong with one', async () => {
  const text = await statusOf({
    relays: [
      { address: 'a.example:4303', kind: 'splice', up: true },
      { address: 'b.example:4303', kind: 'splice', up: false, why: 'connection refused' },
      { address: 'a.example:14345', kind: 'websocket', up: true },
    ],
    mirrors: ['https://nas.lan/{sha256}'],
  });
  expect(text).toMatch(/^by relay +a\.example:4303, reachable$/m);
  expect(text).toMatch(/^by relay +b\.example:4303, not reachable: connection refused$/m);
  expect(text).toMatch(/^by ws-relay +a\.example:14345, reachable$/m);
  expect(text).toMatch(/^mirror +https:\/\/nas\.lan\/\{sha256\}$/m);
});

test('status of a relay says for how many it is one', async () => {
  const relay = { address: '0.0.0.0:4303', holders: 2, pairs: 1, bytes: 5e9 };
  expect(await statusOf({ relay })).toMatch(
    /^is a relay +0\.0\.0\.0:4303, 2 nodes reachable through it, 1 connection joined now, 5\.0 GB since the start$/m,
  );
});

test('mesh nodes says why a node is not in good standing', async () => {
  const row = (name: string, word: NonNullable<NodeRow['standing']>['word']): NodeRow => ({
    ...{ node_id: name, name, role: 'member', this_node: false, state: 'online', connected: true, models: 0 },
    ...{ last_seen: null, http: [], certificate_expires: null, capabilities: null },
    standing: { word, reason: `${name}'s reason`, chance: 0.5, reporters: 0 },
  });
  const nodes = [row('gamma', 'good'), row('beta', 'banned')];
  await using daemon = await openFakeDaemon({ 'GET /api/v1/mesh/nodes': () => ({ nodes }) });
  const { stderr } = await capture(['mesh', 'nodes', '--home', daemon.home]);
  expect(stderr).toBe("beta is banned: beta's reason\n");
});

test('status says which part of a package the node takes, and how the agents of packages are', async () => {
  const agent = {
    package: 'line',
    package_version: '1',
    version: '1',
    pid: null,
    detail: '',
    restarts: 0,
    log_file: '/l',
  };
  const agents = (states: readonly Status['agents'][number]['state'][]) =>
    states.map((state, index) => ({ ...agent, id: `agent-${index}`, state }));
  expect(await statusOf({})).toMatch(/^tier +tier_2$/m);
  expect(await statusOf({ agents: agents(['no_runner']) })).toMatch(/^agents +1 agent not started: no agent runner/m);
  expect(await statusOf({ agent_runner: ['run'], agents: agents(['running', 'running', 'waiting']) })).toMatch(
    /^agents +2 running, 1 waiting to be started again$/m,
  );
});
