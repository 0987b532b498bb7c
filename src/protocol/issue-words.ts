/** What a schema has against a value, in the words of who wants something: `wanted one of a, b`. Pure. */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** A message that a schema brings itself is better than any of these. */
const BY_DEFAULT = /^(Invalid (input|option)|Too (small|big)|Unrecognized key)/;

export function wordsOfIssue(issue: Issue): string {
  if (!BY_DEFAULT.test(issue.message)) return issue.message;
  if (issue.code === 'invalid_value') return `wanted ${choiceOf(issue.values)}`;
  if (issue.code === 'invalid_type') return `wanted ${TYPES[issue.expected] ?? issue.expected}${receivedIn(issue)}`;
  if (issue.code === 'too_small') return `wanted at least ${amount(issue.minimum, issue.origin)}`;
  if (issue.code === 'too_big') return `wanted at most ${amount(issue.maximum, issue.origin)}`;
  if (issue.code === 'unrecognized_keys') return `unknown: ${issue.keys.join(', ')}`;
  return issue.message;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'fields with values',
  record: 'fields with values',
};

function choiceOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.map(String).join(', ')}`;
}

/** A fraction is a number too. */
function receivedIn({ message, ...issue }: Issue): string {
  const received = /received (\w+)$/.exec(message)?.[1];
  const isFraction = received === 'number' && issue.code === 'invalid_type' && issue.expected === 'int';
  return received === undefined || isFraction ? '' : `, not ${TYPES[received] ?? received}`;
}

const UNITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: ['letter', 'letters'],
  array: ['entry', 'entries'],
};

function amount(count: number | bigint, origin: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? String(count) : `${count} ${unit[Number(count) === 1 ? 0 : 1]}`;
}
