import { expect, test } from 'vitest';
import { z } from 'zod';
import { wordsOfIssue } from './issue-words.ts';

test.each([
  ['a word that is none of several', z.enum(['low', 'high']), 'urgent', 'wanted one of low, high'],
  ['a word that is not the one', z.literal('model_status'), 'x', 'wanted model_status'],
  ['text for a number', z.number(), 'lots', 'wanted a number, not text'],
  ['a fraction for a whole number', z.number().int(), 1.5, 'wanted a whole number'],
  ['a number for a list', z.array(z.string()), 3, 'wanted a list, not a number'],
  ['a list for fields', z.object({}), [], 'wanted fields with values, not a list'],
  ['too few', z.array(z.string()).min(1), [], 'wanted at least 1 entry'],
  ['too long', z.string().max(2), 'abc', 'wanted at most 2 letters'],
  ['too many', z.number().max(5), 9, 'wanted at most 5'],
  ['a key too many', z.strictObject({}), { a: 1 }, 'unknown: a'],
  ['what the schema says itself', z.string().min(3, 'wanted a name'), 'a', 'wanted a name'],
])('%s', (_about, schema, value, words) => {
  const { error } = schema.safeParse(value);
  const [issue] = error?.issues ?? [];
  expect(issue === undefined ? undefined : wordsOfIssue(issue)).toBe(words);
});
