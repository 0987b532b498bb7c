/** Reading what others send: `null` is absent, unknown fields are kept, a bad element costs itself alone. */
import { z } from 'zod';
import { wordsOfIssue } from './issue-words.ts';

/** Drops keys whose value is null at the top level: null means absent (docs/spec/04-catalog.md §3). */
export function withoutNulls(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

/** A schema that treats null fields as absent and keeps unknown ones. */
export function lenientObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess(withoutNulls, z.looseObject(shape));
}

export interface Dropped {
  readonly index: number;
  readonly reason: string;
}

/** Parses each element by itself; returns the good ones and what was wrong with the others. */
export function parseEach<T>(schema: z.ZodType<T>, items: readonly unknown[]): { good: T[]; dropped: Dropped[] } {
  const good: T[] = [];
  const dropped: Dropped[] = [];
  for (const [index, item] of items.entries()) {
    const parsed = schema.safeParse(item);
    if (parsed.success) good.push(parsed.data);
    else dropped.push({ index, reason: reasonOf(parsed.error) });
  }
  return { good, dropped };
}

/** The first complaint of a Zod error as `path: message`. */
export function reasonOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'unknown';
  const path = issue.path.join('.');
  return path === '' ? wordsOfIssue(issue) : `${path}: ${wordsOfIssue(issue)}`;
}
