import { describe, expect, test } from 'vitest';
import { AgentBench } from './bench.fixture.ts';
import { AgentsError } from './errors.ts';
import { AGENTS_LIMITS } from './limits.ts';
import { checkRunner, commandFor } from './runner.ts';
import { segmentOf } from './wanted-agent.ts';

describe('checkRunner()', () => {
  test.each([
    ['no word', []],
    ['a program without a name', ['', '{path}']],
    ['a program that a package would name', ['{path}']],
    ['a place that nobody knows', ['run', '{path}', '{home}']],
    ['the same words for every agent', ['run', '{version}']],
    ['a word that is no text', ['run', 7, '{path}']],
    ['a NUL', ['run', '{path}', 'a\0b']],
    ['a word without end', ['run', '{path}', 'x'.repeat(AGENTS_LIMITS.runnerWordBytes + 1)]],
    ['words without end', ['run', '{path}', ...Array.from({ length: AGENTS_LIMITS.runnerWords }, () => 'x')]],
  ])('refuses %s', (_, words) => {
    expect(() => checkRunner(words)).toThrow(AgentsError);
  });

  test('takes braces that are no place of an agent for what they are', () => {
    expect(checkRunner(['run', '{path}', '--json={"a":{}}'])).toHaveLength(3);
  });
});

describe('commandFor()', () => {
  using bench = new AgentBench();
  bench[Symbol.dispose]();

  test('fills each place within its word, and splits no value', () => {
    const agent = bench.wanted('vision', { folder: '/a b/$(x);', path: '/a b/$(x);/agents/vision 2.yaml' });
    const runner = checkRunner(['run', '--file={path}', '{package}/{id}@{version}']);
    expect(commandFor(runner, agent)).toEqual({
      words: ['run', '--file=/a b/$(x);/agents/vision 2.yaml', 'line/vision@1.2'],
    });
  });

  test('puts in no value that is itself a place, an option or longer than a name', () => {
    const runner = checkRunner(['run', '{path}', '{id}']);
    for (const id of ['-rf', '--x', '', ' a', '{path}', 'a\nb', 'a\0', 'x'.repeat(AGENTS_LIMITS.valueChars + 1)])
      expect(commandFor(runner, bench.wanted('vision', { id }))).toHaveProperty('refused');
    expect(commandFor(runner, bench.wanted('vision', { path: 'agents/vision.yaml' }))).toHaveProperty('refused');
    for (const name of ['$(reboot).yaml', 'a;b.yaml', 'a`b`.yaml', 'a|b', "a'b", '-rf'])
      expect(commandFor(runner, bench.wanted('vision', { folder: '/p', path: `/p/${name}` }))).toHaveProperty(
        'refused',
      );
  });
});

test('segmentOf() makes of every name one segment that leads nowhere else', () => {
  expect(['vision', '..', '.', 'a/b', '../../x', 'a\\b'].map(segmentOf)).toEqual([
    'vision',
    '%2E.',
    '%2E',
    'a%2Fb',
    '%2E.%2F..%2Fx',
    'a%5Cb',
  ]);
});
