import { describe, expect, test } from 'vitest';
import type { AccessAnswer } from '../api/index.ts';
import { capture } from './captured-io.fixture.ts';
import { type Answers, type Asked, errorBody, openFakeDaemon } from './fake-daemon.fixture.ts';

const POLICY: AccessAnswer = {
  ...{ author: 'node-a', author_name: 'office', role: 'admin' },
  ...{ issued_at: '2027-01-01T00:00:00.000Z', expires_at: '2028-01-01T00:00:00.000Z' },
  models: [
    {
      model_id: 'acme/secret',
      rights: { read: ['admin', 'gateway'], write: ['admin'], deploy: [], ship_code: [] },
      own: ['read', 'deploy'],
    },
  ],
};

const NODE = {
  ...{ node_id: 'node-b', name: 'edge-5', role: 'edge', this_node: false, state: 'online', connected: true, models: 2 },
  ...{ last_seen: null, http: [], standing: null, certificate_expires: null, capabilities: null },
};

async function run(argv: readonly string[], answers: Answers) {
  const bodies: unknown[] = [];
  const kept: Record<string, (asked: Asked) => unknown> = {};
  for (const [key, answer] of Object.entries(answers))
    kept[key] = (asked) => {
      bodies.push(asked.body ?? Object.fromEntries(asked.url.searchParams));
      return answer(asked);
    };
  await using daemon = await openFakeDaemon(kept);
  const captured = await capture([...argv, '--home', daemon.home]);
  return Object.assign(captured, { bodies, asked: daemon.asked });
}

describe('access', () => {
  test('set sends the roles that were named, and shows what holds now', async () => {
    const argv = ['access', 'set', 'acme/secret', '--read', 'admin, gateway', '--deploy', 'none', '--ship-code', '*'];
    const { code, bodies, stdout, stderr } = await run(argv, { 'POST /api/v1/access': () => POLICY });
    expect([code, bodies]).toEqual([
      0,
      [{ model: 'acme/secret', read: ['admin', 'gateway'], deploy: [], ship_code: ['*'] }],
    ]);
    expect(stdout).toContain('acme/secret  admin, gateway  (admin)  nobody  (nobody)');
    expect(stderr).toContain('said by office');
  });

  test('set tells of a role that no node has, and of a usual one does not ask', async () => {
    const answers = {
      'POST /api/v1/access': () => POLICY,
      'GET /api/v1/mesh/nodes': () => ({ nodes: [{ ...NODE, role: 'night-shift' }] }),
    };
    const slip = await run(['access', 'set', 'acme/secret', '--read', 'gatewy,night-shift'], answers);
    expect(slip.code).toBe(0);
    expect(slip.stderr).toContain('no node has the role gatewy; there is night-shift');
    expect(slip.stderr).not.toContain('the role night-shift');
    const usual = await run(['access', 'set', 'acme/secret', '--read', 'publisher'], answers);
    expect(usual.asked).toEqual(['POST /api/v1/access']);
  });

  test.each([
    ['no right', ['access', 'set', 'm'], 'at least one of --read'],
    ['what is no role', ['access', 'set', 'm', '--read', 'Admin'], '"Admin" is no role'],
    ['an empty role', ['access', 'set', 'm', '--read', 'admin,,edge'], '"" is no role'],
  ])('set refuses %s before anything is asked', async (_what, argv, words) => {
    const { code, stderr, asked } = await run(argv, {});
    expect([code, asked]).toEqual([2, []]);
    expect(stderr).toContain(words);
  });

  test('show asks for one model, or all; unset takes an entry away', async () => {
    const answers = { 'GET /api/v1/access': () => POLICY, 'POST /api/v1/access/unset': () => POLICY };
    expect((await run(['access', 'show', 'acme/secret', '--json'], answers)).documents).toEqual([POLICY]);
    expect((await run(['access', 'show'], answers)).bodies).toEqual([{}]);
    expect((await run(['access', 'unset', 'acme/secret'], answers)).bodies).toEqual([{ model: 'acme/secret' }]);
  });

  test('who may not is told which command shows what holds', async () => {
    const refused = () => {
      throw { ...errorBody('refused', 'Setting the access: admins alone may'), code: 'not_permitted' };
    };
    const { code, stderr } = await run(['access', 'set', 'm', '--read', 'edge'], { 'POST /api/v1/access': refused });
    expect(code).toBe(6);
    expect(stderr).toContain('access show');
  });
});

const entry = (seq: number) => ({
  ...{ seq, at: '2027-01-01T00:00:00.000Z', event: 'transfer', previous: '0', hash: 'ab' },
  facts: { who: 'n', bytes: 5, bad: '\u001b[31m', sha256: 'ab'.repeat(32), payload_sha256: 'cd'.repeat(32) },
});

describe('audit', () => {
  test('shows the last entries, without control characters of others', async () => {
    const answers = { 'GET /api/v1/audit': () => ({ entries: [entry(7)], head: { seq: 7, hash: 'ab' } }) };
    const { stdout, bodies } = await run(['audit', '--event', 'transfer', '--since', '2027-01-01T00:00:00Z'], answers);
    expect(bodies).toEqual([{ event: 'transfer', since: '2027-01-01T00:00:00.000Z', limit: '100' }]);
    expect(stdout).toMatch(/\d\d:\d\d:00 {2}transfer {4}who=n bytes=5/);
    expect(stdout).toContain('sha256=abababababab\n');
    expect(stdout).not.toContain('\u001b[31m');
  });

  test('reads page after page for more than one page holds', async () => {
    const page = (after: number) =>
      Array.from({ length: after === 2000 ? 5 : 1000 }, (_, index) => entry(after + index + 1));
    const answers = {
      'GET /api/v1/audit': ({ url }: Asked) => ({
        entries: page(Number(url.searchParams.get('after') ?? '0')),
        head: null,
      }),
    };
    const [{ entries } = { entries: [] }] = (await run(['audit', '--limit', '1500', '--json'], answers)).documents;
    expect(entries).toHaveLength(1500);
    expect((entries as { seq: number }[]).at(-1)?.seq).toBe(2005);
  });

  test('--verify ends with 0 for a whole log and 4 for one that is not, naming the entry', async () => {
    const verdict = { ok: true, entries: 3, head: { seq: 3, hash: 'ab' }, problem: null };
    const whole = await run(['audit', '--verify'], { 'GET /api/v1/audit/verify': () => verdict });
    expect([whole.code, whole.stdout]).toEqual([0, 'the audit log is whole: 3 entries\nhead 3 ab\n']);
    const problem = { seq: 2, reason: 'changed', message: 'this entry is not as it was written' };
    const answers = { 'GET /api/v1/audit/verify': () => ({ ...verdict, ok: false, entries: 1, problem }) };
    const broken = await run(['audit', '--verify'], answers);
    expect([broken.code, broken.stdout]).toEqual([4, '']);
    expect(broken.stderr).toContain('entry 2: this entry is not as it was written');
    expect((await run(['audit', '--verify', '--json'], answers)).documents[0]).toMatchObject({ ok: false, problem });
  });

  test('a time that is none is refused', async () => {
    const { code, stderr } = await run(['audit', '--since', 'yesterday'], {});
    expect(code).toBe(2);
    expect(stderr).toContain('how long ago: 15m, 24h');
  });
});

describe('consent', () => {
  const answer = {
    mode: 'ask',
    consents: [{ source: 'id-1', name: 'gpu-box', given_at: '2027-01-01T00:00:00.000Z', how: 'command' }],
  };

  test('lists, adds, takes back, and says how it asks', async () => {
    const answers = {
      'GET /api/v1/consent': () => answer,
      'POST /api/v1/consent': () => answer,
      'POST /api/v1/consent/remove': () => answer,
      'POST /api/v1/consent/mode': () => answer,
    };
    const { stdout } = await run(['consent', 'list'], answers);
    expect(stdout).toContain('mode ask: each source');
    expect(stdout).toContain('gpu-box');
    expect((await run(['consent', 'add', 'gpu-box'], answers)).bodies).toEqual([{ source: 'gpu-box' }]);
    expect((await run(['consent', 'remove', 'gpu-box'], answers)).bodies).toEqual([{ source: 'gpu-box' }]);
    expect((await run(['consent', 'mode', 'ask'], answers)).bodies).toEqual([{ mode: 'ask' }]);
    expect((await run(['consent', 'mode', 'perhaps'], answers)).code).toBe(2);
  });

  test('a pull that needs consent says the command that gives it', async () => {
    const needed = () => {
      throw { ...errorBody('refused', 'Pulling m: it would come from gpu-box'), code: 'consent_needed' };
    };
    const { code, stderr } = await run(['model', 'pull', 'm'], { 'POST /api/v1/transfers': needed });
    expect(code).toBe(6);
    expect(stderr).toContain('atmosphere');
    expect(stderr).toContain('model pull m --yes');
  });
});
