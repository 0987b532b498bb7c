/** What a schema has against a rule, in words for whoever wrote it. Spec: docs/spec/18-rules.md §4. Pure. */
import { type ruleSchema, wordsOfIssue } from '../../protocol/index.ts';
import type { Fault } from './fault.ts';
import { nearestWord } from './nearest-word.ts';

type Issue = NonNullable<ReturnType<typeof ruleSchema.safeParse>['error']>['issues'][number];

/** Keys of a rule, by where they stand. */
const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  rule: ['name', 'trigger', 'schedule', 'conditions', 'models', 'replicas', 'priority', 'load'],
  conditions: [
    ...['role', 'region', 'labels', 'architecture', 'min_memory_mb', 'min_vram_mb', 'min_cpu_cores', 'gpu'],
    'capabilities',
  ],
  models: ['name', 'version'],
};

export function toComplaints(issues: readonly Issue[], at: readonly PropertyKey[], item: unknown): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    const path = [...at, ...issue.path];
    if (isMissing(item, issue.path))
      return [{ path, message: `${String(issue.path.at(-1))} is missing${wantedOf(issue)}` }];
    if (issue.code !== 'unrecognized_keys') return [{ path, message: wordsOf(issue, valueAt(item, issue.path)) }];
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, issue.path) }));
  });
}

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const known = KNOWN_KEYS[String(path[0] ?? 'rule')] ?? [];
  const nearest = nearestWord(key, known);
  return `unknown key ${key}: ${nearest === undefined ? `wanted one of ${known.join(', ')}` : `is ${nearest} meant?`}`;
}

/** Issues of a key that is not there are told as that. */
function isMissing(item: unknown, path: readonly PropertyKey[]): boolean {
  return path.length > 0 && valueAt(item, path) === undefined;
}

/** Null where a key on the way is in something that has none. */
function valueAt(item: unknown, path: readonly PropertyKey[]): unknown {
  let value = item;
  for (const key of path) {
    if (value === null || typeof value !== 'object') return null;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function wantedOf(issue: Issue): string {
  return issue.code === 'invalid_value' ? `: wanted one of ${issue.values.map(String).join(', ')}` : '';
}

/** Of a choice between shapes, what each of them wants. */
function wordsOf(issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_value') return `${wordsOfIssue(issue)}${meantBy(value, issue.values.map(String))}`;
  if (issue.code !== 'invalid_union') return wordsOfIssue(issue);
  const words = issue.errors.flatMap((branch) => branch.map(wordsOfIssue));
  return words.length === 0 ? issue.message : [...new Set(words)].join('; or ');
}

function meantBy(value: unknown, words: readonly string[]): string {
  const nearest = typeof value === 'string' ? nearestWord(value, words) : undefined;
  return nearest === undefined ? '' : `: is ${nearest} meant?`;
}
