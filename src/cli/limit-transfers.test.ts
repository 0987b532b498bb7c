import { describe, expect, test } from 'vitest';
import type { Limits } from '../api/index.ts';
import { capture } from './captured-io.fixture.ts';
import { type Asked, openFakeDaemon } from './fake-daemon.fixture.ts';
import { makePullEvent, makeTransfer } from './samples.fixture.ts';

const active = makeTransfer();
const other = makeTransfer({ request_id: '77777777-0000-4000-8000-000000000002', model_id: 'org/other' });
const limits: Limits = {
  ...{ profile: 'custom', download: 'unlimited', upload: '5Mbps', per_peer: 'unlimited', yields: false },
  peers: [{ node_id: 'n', name: 'gpu-box', download: 'unlimited', upload: '1Mbps' }],
  schedule: ['22:00-06:00 unlimited'],
  now: { download: 'unlimited', upload: '5Mbps', by_size: false, until: '2027-01-01T22:00:00.000Z' },
};

function run(...argv: string[]) {
  return runWith(argv, limits);
}

async function runWith(argv: readonly string[], changed: object) {
  const bodies: Record<string, unknown> = {};
  const answering = (name: string, answer: unknown) => ({
    [name]: ({ body }: Asked) => {
      bodies[name] = body;
      return answer;
    },
  });
  await using daemon = await openFakeDaemon({
    'GET /api/v1/transfers': () => ({ transfers: [active, other] }),
    'GET /api/v1/limits': () => limits,
    ...answering('POST /api/v1/limits', changed),
    ...answering('POST /api/v1/transfers/pause', { transfers: [{ ...active, state: 'Paused' }] }),
    ...answering('POST /api/v1/transfers/resume', { transfers: [{ ...active, state: 'Pending' }, other] }),
    ...answering(`DELETE /api/v1/transfers/${active.request_id}`, active),
    ...answering('POST /api/v1/transfers/wish', { ...active, priority: 'low', limits: { download: '5Mbps' } }),
  });
  const captured = await capture(['transfers', ...argv, '--home', daemon.home]);
  return Object.assign(captured, { bodies, asked: daemon.asked });
}

describe('transfers limit', () => {
  test('shows what holds, and until when', async () => {
    const { stdout, asked } = await run('limit');
    expect(asked).toEqual(['GET /api/v1/limits']);
    for (const words of ['upload', '5Mbps', 'peer gpu-box', '22:00-06:00 unlimited', 'until 2027-01-0'])
      expect(stdout).toContain(words);
    expect((await run('limit', '--json')).documents).toEqual([limits]);
  });

  test('sends what was said and nothing else', async () => {
    const { bodies, code } = await run(
      ...['limit', '--profile', 'custom', '--download', '5Mbps', '--per-peer', '1MB/s', '--yield', 'on'],
      ...['--schedule', '22:00-06:00 unlimited', '--schedule', '12:00-13:00 9Mbps'],
    );
    expect(code).toBe(0);
    expect(bodies['POST /api/v1/limits']).toEqual({
      ...{ profile: 'custom', download: '5Mbps', per_peer: '1MB/s', yields: true },
      schedule: ['22:00-06:00 unlimited', '12:00-13:00 9Mbps'],
    });
    expect((await run('limit', '--peer', 'gpu-box', '--upload', '1Mbps')).bodies).toEqual({
      'POST /api/v1/limits': { peer: 'gpu-box', upload: '1Mbps' },
    });
    expect((await run('limit', '--clear')).bodies).toEqual({ 'POST /api/v1/limits': { clear: true } });
  });

  test('takes a schedule that changes nothing, and says so', async () => {
    const given = ['limit', '--schedule', '22:00-06:00 unlimited'];
    const note = 'the schedule changes nothing yet';
    const idle = await runWith(given, { ...limits, upload: 'unlimited' });
    expect([idle.code, idle.stderr]).toEqual([0, expect.stringContaining(note)]);
    for (const other of [limits, { ...limits, upload: 'unlimited', schedule: ['22:00-06:00 2Mbps'] }])
      expect((await runWith(given, other)).stderr).not.toContain(note);
    expect((await runWith(given, { ...limits, profile: 'metered', upload: 'unlimited' })).stderr).not.toContain(note);
  });

  test('of one transfer', async () => {
    const { bodies, stdout } = await run('limit', 'org/llama3', '--download', '5Mbps');
    expect(bodies).toEqual({
      'POST /api/v1/transfers/wish': { request_id: active.request_id, download: '5Mbps' },
    });
    expect(stdout).toBe('org/llama3@1.2.0: download 5Mbps, upload unlimited\n');
  });

  test.each([
    ['limit', 'org/llama3'],
    ['limit', 'org/llama3', '--profile', 'lan'],
    ['limit', '--peer', 'gpu-box'],
    ['limit', '--peer', 'gpu-box', '--schedule', '22:00-06:00 unlimited'],
    ['limit', '--profile', 'fast'],
    ['limit', '--yield', 'maybe'],
    ['pause'],
    ['pause', 'org/llama3', '--all'],
    ['resume'],
    ['priority', 'org/llama3', 'urgent'],
    ['priority', 'org/llama3'],
  ])('is not understood, and asks for no change: %s %s %s %s %s', async (...argv) => {
    const { code, bodies } = await run(...argv.filter((word) => word !== undefined));
    expect([code, bodies]).toEqual([2, {}]);
  });
});

test('transfers pause and resume mean one transfer, or all', async () => {
  const one = await run('pause', '3f2a91c0');
  expect(one.bodies).toEqual({ 'POST /api/v1/transfers/pause': { request_id: active.request_id } });
  expect(one.stdout).toBe('paused org/llama3@1.2.0, 50% here  (3f2a91c0)\n');
  expect((await run('pause', '--all')).bodies).toEqual({ 'POST /api/v1/transfers/pause': {} });
  const all = await run('resume', '--all');
  expect(all.bodies).toEqual({ 'POST /api/v1/transfers/resume': {} });
  expect(all.stdout).toContain('goes on org/llama3@1.2.0');
  expect((await run('pause', 'org/nothing')).code).toBe(3);
});

test('transfers cancel says that it is, though the daemon has not yet let go of it', async () => {
  const { stdout, stderr } = await run('cancel', 'org/llama3');
  expect(stdout).toBe('cancelled org/llama3@1.2.0, 50% here and kept\n');
  expect(stderr).toContain('to go on: atmosphere model pull org/llama3');
});

test('a word that is no command of transfers is answered with those that are', async () => {
  const { code, stderr } = await run('limt');
  expect(code).toBe(2);
  expect(stderr).toContain("'transfers' has no command 'limt'; it has cancel, pause, resume, priority, limit");
});

test('transfers priority', async () => {
  const { bodies, stdout } = await run('priority', 'org/llama3', 'low');
  expect(bodies).toEqual({ 'POST /api/v1/transfers/wish': { request_id: active.request_id, priority: 'low' } });
  expect(stdout).toBe('org/llama3@1.2.0 has priority low\n');
  expect((await run('priority', 'org/llama3', 'urgent')).stderr).toMatch(/try: .* transfers priority --help/);
});

test('a pull says its priority, and what it waits for', async () => {
  let sent: unknown;
  await using daemon = await openFakeDaemon({
    'POST /api/v1/transfers': async function* ({ body }) {
      sent = body;
      yield makePullEvent({ waiting: { for: 'holder', left_s: 580 } });
      yield makePullEvent({ event: 'completed', path: '/m' });
    },
  });
  const { stderr } = await capture(['model', 'pull', 'org/llama3', '--priority', 'low', '--home', daemon.home]);
  expect(sent).toEqual({ id: 'org/llama3', priority: 'low' });
  expect(stderr).toContain('waiting for a peer that has it (9:40 left, Ctrl-C keeps what arrived)');
});
