import { describe, expect, test } from 'vitest';
import { parseDeploymentRules } from '../../protocol/index.ts';
import { vectorCases } from '../../testkit/vectors.ts';
import type { RuleSurroundings } from './fault.ts';
import { readRules } from './read-rules.ts';

interface RulesCase {
  readonly name: string;
  readonly yaml: string;
  /** `line:column severity path: message`, where a message may be a part of the whole. */
  readonly complaints: readonly string[];
  readonly rules?: readonly object[];
}

function told(text: string, surroundings?: RuleSurroundings): string[] {
  return readRules(text, surroundings).complaints.map(
    ({ line, column, severity, path, message }) => `${line}:${column} ${severity} ${path}: ${message}`,
  );
}

describe('readRules()', () => {
  test.each(vectorCases<RulesCase>('rules', 'yaml.json'))('%s', (_name, { yaml, complaints, rules }) => {
    expect(told(yaml)).toEqual(complaints.map((one) => expect.stringContaining(one)));
    const read = readRules(yaml);
    if (rules === undefined) expect(read.rules).toBeUndefined();
    else expect(read.rules).toMatchObject(rules);
    if (rules !== undefined) parseDeploymentRules({ type: 'deployment_rules', rules: read.rules });
  });

  const text = [
    'rules:',
    '  - name: r',
    '    trigger: node_join',
    '    conditions: { role: egde }',
    '    models:',
    '      - name: detecter',
    '      - name: detector',
    '        version: ">=9"',
    '      - name: "*"',
    '        version: "<0.1"',
  ].join('\n');

  test('what nobody knows is warned of, with what was probably meant', () => {
    const versions = new Map([['detector', ['1.0.0', '2.0.0']]]);
    expect(told(text, { versions })).toEqual([
      '4:19 warning rules.0.conditions.role: no node of the role egde is known; is edge meant?',
      '6:9 warning rules.0.models.0.name: no model detecter is known; is detector meant?',
      '8:9 warning rules.0.models.1.version: no version of detector is in >=9: there are 1.0.0, 2.0.0',
      '10:9 warning rules.0.models.2.version: no model has a version in <0.1 now',
    ]);
    expect(readRules(text, { versions }).rules).toHaveLength(1);
  });

  test('roles of the mesh are known', () => {
    expect(told(text, { roles: ['egde'] })).toEqual([]);
  });

  test('a value that cannot be is told of with what can', () => {
    const bad = 'rules:\n  - name: r\n    trigger: node_jion\n    conditions: { min_memory_mb: lots }\n    models: []';
    expect(told(bad)).toEqual([
      '3:5 error rules.0.trigger: wanted one of node_join, model_published, schedule, capability_needed: is node_join meant?',
      '4:19 error rules.0.conditions.min_memory_mb: wanted a number, not text',
      '5:5 error rules.0.models: wanted at least 1 entry',
    ]);
  });

  test('a file that is no text is told of in a line', () => {
    expect(told('rules:\n  - \u0007\u0000 x')).toEqual(['2:5 error : a byte 7, wanted text']);
    const [only = ''] = told(`rules: [\n${'x '.repeat(1000)}: y`);
    expect(only.length).toBeLessThan(260);
  });

  test('a text of many mistakes is told of in part', () => {
    const bad = `rules:\n${'  - name: r\n    trigger: never\n'.repeat(400)}`;
    expect(told(bad)).toHaveLength(20);
  });

  test.each([
    ['a large text', `rules: []\n# ${'x'.repeat(200_000)}`, 'wanted at most 131072'],
    ['deep nesting', `rules: ${'['.repeat(5000)}`, ''],
    ['too many rules', `rules: [${'{},'.repeat(501)}]`, '501 rules, wanted at most 500'],
    ['every model more often than it may be said', everyModel(501), 'stands in them 501 times, wanted at most 500'],
    ['more rules than a record holds', manyModels(), 'bytes as a record, wanted at most 196608'],
  ])('%s is refused in no time', (_name, hostile, message) => {
    const startMs = performance.now();
    expect(told(hostile)[0]).toContain(message);
    expect(readRules(hostile).rules).toBeUndefined();
    expect(performance.now() - startMs).toBeLessThan(5000);
  });
});

function everyModel(times: number): string {
  const models = (count: number) => `[${'{name: "*", version: ">=1"},'.repeat(count)}]`;
  const rule = (count: number, index: number) => `  - {name: r${index}, trigger: node_join, models: ${models(count)}}`;
  return `rules:\n${[200, 200, times - 400].map(rule).join('\n')}`;
}

function manyModels(): string {
  const models = Array.from({ length: 200 }, () => '{name: m}').join(',');
  const rules = Array.from(
    { length: 60 },
    (_, index) => `  - {name: r${index}, trigger: node_join, models: [${models}]}`,
  );
  return `rules:\n${rules.join('\n')}`;
}
