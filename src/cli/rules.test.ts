import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ExplainedNode, NodeRow, RuleComplaintRow } from '../api/index.ts';
import { capture } from './captured-io.fixture.ts';
import { type Answers, type Asked, openFakeDaemon } from './fake-daemon.fixture.ts';

const WARNING: RuleComplaintRow = {
  ...{
    line: 4,
    column: 19,
    severity: 'warning',
    path: 'rules.0.conditions.role',
    message: 'no node of the role egde is known',
  },
};
const ERROR: RuleComplaintRow = { line: 2, column: 5, severity: 'error', path: '', message: 'trigger is missing' };

/** Runs with a file of rules in the home, whose path stands for FILE. */
async function run(argv: readonly string[], answers: Answers, text = 'rules: []\n') {
  await using daemon = await openFakeDaemon(answers);
  const file = join(daemon.home, 'rules.yaml');
  await writeFile(file, text);
  const captured = await capture([...argv.map((word) => (word === 'FILE' ? file : word)), '--home', daemon.home]);
  return Object.assign(captured, { file, asked: daemon.asked });
}

test('rules check tells each complaint as editors read it, and ends with 2 where there is an error', async () => {
  const complaints = [ERROR, WARNING];
  const bad = await run(['rules', 'check', 'FILE'], {
    'POST /api/v1/rules/check': () => ({ valid: false, rules: 0, complaints }),
  });
  expect(bad.code).toBe(2);
  expect(bad.stdout.trim().split('\n')).toEqual([
    `${bad.file}:2:5: error: trigger is missing`,
    `${bad.file}:4:19: warning: no node of the role egde is known (rules.0.conditions.role)`,
  ]);
  const good = await run(['rules', 'check', 'FILE', '--json'], {
    'POST /api/v1/rules/check': ({ body }: Asked) => ({ valid: true, rules: 1, complaints: [], body }),
  });
  expect([good.code, good.documents]).toEqual([0, [{ valid: true, rules: 1, complaints: [] }]]);
});

test('rules apply changes nothing where there is an error', async () => {
  const { code, stderr, asked, file } = await run(['rules', 'apply', 'FILE'], {
    'POST /api/v1/rules/check': () => ({ valid: false, rules: 0, complaints: [ERROR] }),
  });
  expect(code).toBe(2);
  expect(asked).toEqual(['POST /api/v1/rules/check']);
  expect(stderr).toContain(`${file}:2:5: error: trigger is missing`);
  expect(stderr).toContain('it has mistakes, and nothing was changed');
});

test('rules apply gives the mesh the text, and tells what it replaced', async () => {
  const texts: unknown[] = [];
  const { code, stdout, stderr } = await run(['rules', 'apply', 'FILE'], {
    'POST /api/v1/rules/check': () => ({ valid: true, rules: 2, complaints: [WARNING] }),
    'POST /api/v1/rules/apply': ({ body }: Asked) => {
      texts.push(body);
      return { valid: true, rules: 2, complaints: [WARNING], replaced: 3 };
    },
  });
  expect([code, texts]).toEqual([0, [{ text: 'rules: []\n' }]]);
  expect(stdout).toBe('the mesh has 2 rules now, in the place of 3\n');
  expect(stderr).toContain('warning: no node of the role egde is known');
});

test.each([
  ['a file that is not there', ['rules', 'check', '/nowhere/rules.yaml'], 'there is no such file'],
  ['a folder', ['rules', 'check', '/tmp'], 'wanted a file of rules'],
])('%s is said at once', async (_name, argv, message) => {
  const { code, stderr, asked } = await run(argv, {});
  expect([code, asked]).toEqual([2, []]);
  expect(stderr).toContain(message);
});

test('a file that is too long is not sent', async () => {
  const { code, stderr, asked } = await run(['rules', 'check', 'FILE'], {}, '#'.repeat(200_000));
  expect([code, asked]).toEqual([2, []]);
  expect(stderr).toContain('wanted at most 131072 bytes');
});

test('rules explain tells the winner, who lost to whom, and what is not for the node', async () => {
  const by = { author: 'node-a', author_name: 'office', ordered_at: '2027-01-01T00:00:00.000Z' };
  const answer: ExplainedNode = {
    ...{ node_id: 'node-b', node_name: 'edge-5', role: 'edge' },
    models: [
      {
        ...{ model_id: 'detector', outcome: 'have', version: '2.0.0', priority: 3, refused: [] },
        standings: [
          {
            because: { kind: 'command', id: 'c1', ...by },
            version: '2.0.0',
            presence: 'present',
            standing: 'wins',
            why: 'x',
          },
          {
            because: { kind: 'rule', id: 'all', ...by },
            version: '1.0.0',
            presence: 'present',
            standing: 'loses',
            why: 'command c1 of office is stronger',
          },
          {
            because: { kind: 'command', id: '6f9f1d5e-3f52-4b8e-9c1a-7a5a0d9b2c11', ...by },
            ...{ version: '1.0.0', presence: 'present', standing: 'loses', why: 'command c1 of office is later' },
          },
          {
            because: { kind: 'command', id: 'c0', ...by },
            ...{ version: '1.0.0', presence: 'present', standing: 'passes', why: 'it is for other nodes' },
          },
          {
            because: { kind: 'rule', id: 'none', ...by },
            ...{ version: null, presence: 'present', standing: 'passes', why: 'no version of it is known' },
          },
        ],
      },
      {
        ...{ model_id: 'huge', outcome: 'refused', version: '1.0.0', priority: 3 },
        refused: [{ code: 'memory', message: '4 MB of memory, wanted 8 MB' }],
        standings: [],
      },
    ],
    passed: [{ because: { kind: 'rule', id: 'gates', ...by }, why: 'its role is edge, wanted gateway' }],
  };
  const queries: unknown[] = [];
  const { code, stdout } = await run(['rules', 'explain', 'edge-5', '--model', 'detector'], {
    'GET /api/v1/rules/explain': ({ url }: Asked) => {
      queries.push(Object.fromEntries(url.searchParams));
      return answer;
    },
  });
  expect([code, queries]).toEqual([0, [{ node: 'edge-5', model: 'detector' }]]);
  expect(stdout.trimEnd().split('\n')).toEqual([
    'edge-5 (edge)',
    '  detector  should be 2.0.0',
    '    * command c1 of office: 2.0.0',
    '    - rule all of office: 1.0.0 – command c1 of office is stronger',
    '    - command 6f9f1d5e of office: 1.0.0 – command c1 of office is later',
    '      rule none of office: no version of it is known',
    '      1 more order for other nodes',
    '  huge  should be 1.0.0, but cannot: 4 MB of memory, wanted 8 MB',
    'not for this node:',
    '  rule gates of office: its role is edge, wanted gateway',
  ]);
});

test('rules show tells which sets hold, and what is wrong with the own file', async () => {
  const rule = {
    name: 'all',
    trigger: 'node_join',
    conditions: { role: ['edge', 'gate'], labels: { hall: '7' } },
    models: [{ name: '*', version: 'latest' }],
  };
  const set = {
    name: 'default',
    source: 'mesh',
    author: 'node-a',
    ordered_at: '2027-01-01T00:00:00.000Z',
    rules: [rule],
  };
  const { stdout, stderr } = await run(['rules', 'show'], {
    'GET /api/v1/rules': () => ({
      sets: [
        { ...set, author_name: 'ann', in_force: true },
        { ...set, author_name: 'bob', in_force: false },
      ],
      own_file: { path: '/home/config/deployment_rules.yaml', there: false, complaints: [ERROR] },
    }),
  });
  expect(stdout).toContain(
    'default, by ann at 2027-01-01T00:00:00.000Z\n  all: *@latest for role edge or gate, labels hall=7 (node_join)',
  );
  expect(stdout).toContain('by bob at 2027-01-01T00:00:00.000Z  (replaced by a later set)');
  expect(stderr).toContain('/home/config/deployment_rules.yaml:2:5: error: trigger is missing');
});

test('mesh nodes NAME tells what a node says of itself', async () => {
  const node: NodeRow = {
    ...{
      node_id: 'node-b',
      name: 'edge-5',
      role: 'edge',
      this_node: false,
      state: 'online',
      connected: true,
      models: 2,
    },
    ...{ last_seen: null, http: [], standing: null, certificate_expires: null },
    capabilities: {
      ...{ region: 'eu', labels: { hall: '7' }, execution_providers: ['cuda', 'cpu'], interests: ['audio'] },
      tier: 'tier_2',
      hardware: { memory_mb: 8192, vram_mb: 4096, cpu_cores: 4, gpu: 'Orin', architecture: 'aarch64', disk_free_mb: 0 },
      software: { python_version: '3.11.7', package_count: 12 },
      constraints: { max_model_size_mb: 100, max_models: null },
    },
  };
  const answers = { 'GET /api/v1/mesh/nodes': () => ({ nodes: [node] }) };
  const { stdout } = await run(['mesh', 'nodes', 'edge-5'], answers);
  expect(stdout).toContain('edge-5  edge, online\n');
  expect(stdout).toMatch(/machine +aarch64, 4 cores, 8\.6 GB of memory/);
  expect(stdout).toMatch(/gpu +Orin, 4\.3 GB/);
  expect(stdout).toMatch(/disk free +not said/);
  expect(stdout).toMatch(/runs +cuda, cpu/);
  expect(stdout).toMatch(/labels +hall=7/);
  expect(stdout).toMatch(/takes +models up to 105 MB/);
  expect((await run(['mesh', 'nodes', 'edge-5', '--json'], answers)).documents).toEqual([node]);
  const silent = { 'GET /api/v1/mesh/nodes': () => ({ nodes: [{ ...node, capabilities: null }] }) };
  expect((await run(['mesh', 'nodes', 'edge-5'], silent)).stdout).toContain('it has not said what it is');
});
