import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAEMON_DEFAULTS } from '../api/index.ts';
import { parseAgentRunner, runnerFrom } from './agent-runner.ts';
import { toDaemonConfig, type UpOptions } from './up-config.ts';

describe('parseAgentRunner()', () => {
  test.each([
    ['llamafarm agent run {path}', ['llamafarm', 'agent', 'run', '{path}']],
    ['  run\t--id={id}  ', ['run', '--id={id}']],
    [`"/opt/my agents/run" --say 'a "b" $c' x\\ y ''`, ['/opt/my agents/run', '--say', 'a "b" $c', 'x y', '']],
    [`run "a\\"b" 'a\\b'`, ['run', 'a"b', 'a\\b']],
    ['["run", "{path}", "a b"]', ['run', '{path}', 'a b']],
  ])('reads %s', (text, words) => expect(parseAgentRunner(text)).toEqual(words));

  test.each([
    '',
    '  ',
    'run {path} | tee log',
    'run {path} &',
    'run $HOME/{path}',
    'run `id`',
    'run "{path}',
    'run \\',
    '[1]',
    '["run"',
    '[]',
  ])('refuses %j', (text) =>
    expect(() => parseAgentRunner(text)).toThrow(expect.objectContaining({ code: 'bad_usage' })),
  );

  test('a JSON array is itself, whatever the words', () => {
    const words = fc.array(fc.string(), { minLength: 1 });
    fc.assert(fc.property(words, (all) => void expect(parseAgentRunner(JSON.stringify(all))).toEqual(all)));
  });

  test('quoted words are themselves, whatever is in them', () => {
    const words = fc.array(
      fc.string().map((text) => text.replaceAll("'", '')),
      { minLength: 1 },
    );
    const quoted = (all: readonly string[]) => `run ${all.map((word) => `'${word}'`).join(' ')}`;
    fc.assert(fc.property(words, (all) => void expect(parseAgentRunner(quoted(all))).toEqual(['run', ...all])));
  });
});

test('runnerFrom() takes a program with a place from where `up` was called, others from the path', () => {
  expect(runnerFrom('/srv', ['./run.sh', './a'])).toEqual(['/srv/run.sh', './a']);
  expect(runnerFrom('/srv', ['run', '{path}'])).toEqual(['run', '{path}']);
  expect(runnerFrom('/srv', ['/opt/run', '{path}'])).toEqual(['/opt/run', '{path}']);
});

test('up keeps silent of what was not said, and takes the runner away when told', () => {
  const surroundings = { home: '/h', cwd: '/srv', env: {} };
  const runnerOf = (options: UpOptions) => toDaemonConfig(options, surroundings).agentRunner;
  expect(toDaemonConfig({}, surroundings)).not.toHaveProperty('agentRunner');
  expect(toDaemonConfig({}, surroundings).logLevel).toBe(DAEMON_DEFAULTS.logLevel);
  expect(runnerOf({ agentRunner: false })).toBeNull();
  expect(runnerOf({ agentRunner: ['bin/run', '{path}'] })).toEqual(['/srv/bin/run', '{path}']);
});
