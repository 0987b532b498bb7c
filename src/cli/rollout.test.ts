import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RolloutRow } from '../api/index.ts';
import { capture } from './captured-io.fixture.ts';
import { type Asked, openFakeDaemon } from './fake-daemon.fixture.ts';
import { Progress } from './progress.ts';
import { parseShare, parseSoak, parseWaves } from './rollout-flags.ts';
import { rolloutLines } from './rollout-lines.ts';

type Wave = RolloutRow['waves'][number];
const none = { nodes: 0, waiting: 0, well: 0, failed: 0, silent: 0, back: 0, stuck: 0 };
const wave = (size: string, state: Wave['state'], counts: Partial<Wave> = {}): Wave => ({
  size,
  state,
  ...none,
  ...counts,
});

const ROW: RolloutRow = {
  rollout_id: '1f6c9a2b-0000-4000-8000-000000000001',
  ...{ model_id: 'org/detector', version: '2.0.0', previous_version: '1.0.0' },
  ...{ phase: 'running', over: false, why: null, held_by: null, term: 1 },
  ...{ ordered_by: 'n', ordered_by_name: 'hq', ordered_at: '2030-01-01T00:00:00.000Z' },
  ...{ coordinator: 'n', coordinator_name: 'hq', fleet: 10, given: 5, failures: 1, max_failures: 0.3 },
  ...{ soak_ms: 600_000, soak_left_ms: 90_000, node_timeout_ms: 600_000 },
  waves: [
    wave('1', 'done', { nodes: 1, well: 1 }),
    wave('50%', 'soaking', { nodes: 4, well: 3, failed: 1 }),
    wave('100%', 'to come'),
  ],
  nodes: [{ node_id: 'n', name: 'edge-1', wave: 1, state: 'well', failed: false, error: null }],
};
const BACK: RolloutRow = {
  ...ROW,
  ...{
    phase: 'rolled_back',
    over: true,
    why: '2 of 5 nodes failed, more than 30%; no such operator',
    soak_left_ms: null,
  },
  waves: [
    wave('1', 'done', { nodes: 1, back: 1 }),
    wave('50%', 'done', { nodes: 4, back: 3, failed: 2, stuck: 1 }),
    wave('100%', 'to come'),
  ],
};

async function run(
  argv: readonly string[],
  events: readonly RolloutRow[] = [ROW, { ...ROW, phase: 'done', over: true }],
) {
  const bodies: unknown[] = [];
  const noting = (answer: unknown) => (asked: Asked) => {
    bodies.push(asked.body);
    return answer;
  };
  await using daemon = await openFakeDaemon({
    'POST /api/v1/rollouts': noting(ROW),
    'GET /api/v1/rollouts': () => ({ rollouts: [ROW] }),
    'GET /api/v1/rollouts/show': () => ROW,
    'GET /api/v1/rollouts/events': async function* () {
      yield* events;
    },
    'POST /api/v1/rollouts/change': noting({ ...ROW, phase: 'paused' }),
    'POST /api/v1/rules/check': noting({ valid: true, rules: 1, complaints: [] }),
    'POST /api/v1/rules/apply': noting({ valid: true, rules: 1, replaced: 0, complaints: [] }),
  });
  const rules = join(daemon.home, 'rules.yaml');
  await writeFile(rules, 'rules:\n  - name: a\n    trigger: node_join\n    models: [{ name: org/detector }]\n');
  const captured = await capture([...argv.map((word) => word.replace('RULES', rules)), '--home', daemon.home]);
  return Object.assign(captured, { bodies, asked: daemon.asked });
}

describe('model deploy', () => {
  test('in waves: says what was asked for, and what nobody said by its defaults', async () => {
    const { code, bodies, stdout } = await run([
      'model',
      'deploy',
      'org/detector@2.0.0',
      '--role',
      'edge',
      '--strategy',
      'canary',
    ]);
    expect([code, bodies]).toEqual([
      0,
      [
        {
          ...{
            id: 'org/detector',
            range: '2.0.0',
            probe: true,
            max_failures: 0.05,
            soak_ms: 600_000,
            node_timeout_ms: 600_000,
          },
          ...{ waves: ['1', '10%', '50%', '100%'], target: { nodes: [], roles: ['edge'], regions: [], labels: {} } },
        },
      ],
    ]);
    expect(stdout).toContain('rollout 1f6c9a2b  org/detector@2.0.0 (from 1.0.0)  running, coordinated by hq');
  });

  test('a flag of waves is enough to mean waves', async () => {
    const given = [
      '--waves',
      '2,50%',
      '--max-failures',
      '10%',
      '--soak',
      '0',
      '--node-timeout',
      '30s',
      '--no-probe',
      '--priority',
      '1',
    ];
    const { bodies } = await run(['model', 'deploy', 'org/detector', '--all', ...given]);
    const said = {
      waves: ['2', '50%', '100%'],
      max_failures: 0.1,
      soak_ms: 0,
      node_timeout_ms: 30_000,
      probe: false,
      priority: 1,
    };
    expect(bodies).toEqual([expect.objectContaining(said)]);
  });

  test('--watch ends with the rollout: 0 when it is done, 6 when everybody went back, with the reason', async () => {
    const argv = ['model', 'deploy', 'org/detector', '--all', '--strategy', 'canary', '--watch'];
    const good = await run(argv);
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('done')]);
    const bad = await run(argv, [ROW, BACK]);
    expect([bad.code, bad.stderr]).toEqual([6, expect.stringContaining('was rolled back: 2 of 5 nodes failed')]);
    expect(bad.stderr).toContain('try: atmosphere --home');
    const json = await run([...argv, '--json'], [ROW, BACK]);
    expect(json.documents.at(-1)).toMatchObject({ event: 'failed', code: 'rollout_undone' });
  });

  test.each([
    [['--strategy', 'canary'], 'wanted whom it is for'],
    [['--all', '--strategy', 'all', '--waves', '1'], 'are for --strategy canary'],
    [['--all', '--waves', '50%,10%'], '1,10%,50%,100%'],
    [['--all', '--max-failures', '5'], 'like 5%'],
    [['--all', '--soak', 'long'], 'a time'],
    [['--all', '--strategy', 'canary', '--priority', '9'], 'from 1'],
  ])('%j is refused with what was wanted', async (flags, wanted) => {
    const { code, stderr, asked } = await run(['model', 'deploy', 'org/detector', ...flags]);
    expect([code, stderr, asked]).toEqual([2, expect.stringContaining(wanted), []]);
  });

  test('by a file of rules: gives them to the mesh; a model that none of them names is a mistake', async () => {
    const applied = await run(['model', 'deploy', 'org/detector', '--rule', 'RULES']);
    expect([applied.code, applied.asked]).toEqual([0, ['POST /api/v1/rules/check', 'POST /api/v1/rules/apply']]);
    const other = await run(['model', 'deploy', 'org/other', '--rule', 'RULES']);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('no rule in it names that model')]);
  });
});

describe('rollout', () => {
  test('list and show, for people and programs', async () => {
    const list = await run(['rollout', 'list']);
    expect(list.stdout).toMatch(/1f6c9a2b +org\/detector +2\.0\.0 +running +2\/3 +5\/10 +1 +hq/);
    expect((await run(['rollout', 'list', '--json'])).documents).toMatchObject([
      { rollouts: [{ rollout_id: ROW.rollout_id, given: 5 }] },
    ]);
    expect((await run(['rollout', 'show', '1f6c'])).stdout).toMatch(/edge-1 +1 +well/);
  });

  test.each([
    [['pause'], 'pause'],
    [['resume'], 'resume'],
    [['abort'], 'abort'],
    [['abort', '--no-rollback'], 'leave'],
  ])('%j asks for %s', async ([word = '', ...flags], change) => {
    const { code, bodies, stderr } = await run(['rollout', word, '1f6c9a2b', ...flags]);
    expect([code, bodies]).toEqual([0, [{ id: '1f6c9a2b', change }]]);
    expect(stderr).toContain('to let it go on: atmosphere rollout resume 1f6c9a2b');
  });
});

test('waves are drawn a line each, with what is left of the soak, and what went wrong', () => {
  expect(rolloutLines(ROW).slice(1)).toEqual([
    `  wave 1     1  ${'━'.repeat(24)}  1 of 1 well`,
    `  wave 2   50%  ${'━'.repeat(18)}${'×'.repeat(6)}  3 of 4 well, 1 failed  soaking, 1 min 30 s left`,
    `  wave 3  100%  ${'╌'.repeat(24)}  to come`,
  ]);
  const small = { ...ROW, waves: [wave('10%', 'done'), wave('100%', 'to come')], over: true };
  expect(rolloutLines(small).slice(1)).toEqual([
    `  wave 1   10%  ${'╌'.repeat(24)}  nobody more`,
    `  wave 2  100%  ${'╌'.repeat(24)}  not begun`,
  ]);
  expect(rolloutLines(BACK)[2]).toContain('3 of 4 back, 2 failed, 1 COULD NOT GO BACK');
});

test('flags of rollouts are read as people write them', () => {
  expect(parseWaves(' 1, 10% ,100%')).toEqual(['1', '10%', '100%']);
  expect(parseWaves('3')).toEqual(['3', '100%']);
  expect([parseShare('2.5%'), parseShare('100%'), parseSoak('0s'), parseSoak('2m')]).toEqual([0.025, 1, 0, 120]);
  for (const text of ['', '0', '1,1', '101%', '100%,50%', '1,,2', '-1'])
    expect(() => parseWaves(text)).toThrow('Wanted waves');
});

test('on a terminal the waves are redrawn in place, never wider than it; elsewhere only what is new is a line', () => {
  const drawn = (isTty: boolean) => {
    const texts: string[] = [];
    const terminal = { isTty, columns: 20, write: (text: string) => void texts.push(text) };
    const progress = new Progress(terminal, { silent: false });
    progress.draw(['head', 'wave 1 is far wider than this terminal']);
    progress.draw(['head', 'wave 2']);
    return texts;
  };
  const [first = '', second = ''] = drawn(true);
  expect(Math.max(...first.split('\n').map((line) => line.length))).toBeLessThan(20);
  expect(second).toBe('\u001b[2A\r\u001b[Jhead\nwave 2\n');
  expect(drawn(false)).toEqual(['head\nwave 1 is far wider than this terminal\n', 'wave 2\n']);
});
