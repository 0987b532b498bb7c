/** What a request says, against its schema. 05-http §6. */
import type { z } from 'zod';
import { ServerError } from './errors.ts';

export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  const [first] = issues;
  const where = first?.path ? `${first.path}: ` : '';
  throw new ServerError('bad_request', `Reading ${what}: ${where}${first?.message ?? 'not what the route takes'}`, {
    data: { issues },
  });
}
