import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ConditionalHeaders, evaluatePreconditions } from './preconditions.ts';

const file = new URL('../../vectors/http/preconditions.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: readonly { name: string; headers: ConditionalHeaders; outcome: string }[];
};

describe('evaluatePreconditions() keeps to vectors/http/preconditions.json', () => {
  it.each(cases)('$name', ({ headers, outcome }) => {
    expect(evaluatePreconditions(headers, 'abc')).toBe(outcome);
  });
});
