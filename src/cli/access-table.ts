/** The access policy as lines: one a model, with those roles that have each right. Pure. */
import type { AccessAnswer } from '../api/index.ts';
import type { Context } from './context.ts';
import type { Column } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'MODEL', shrinks: true },
  { title: 'READ', shrinks: true },
  { title: 'WRITE', shrinks: true },
  { title: 'DEPLOY', shrinks: true },
  { title: 'SHIP CODE', shrinks: true },
];

/** A right that the model's entry does not say itself stands in parentheses. */
export function toAccessLines({ out }: Context, answer: AccessAnswer): string[] {
  const rows = answer.models.map(({ model_id, rights, own }) => {
    const cell = (right: (typeof own)[number]): string => {
      const roles = rights[right].join(', ') || 'nobody';
      return own.includes(right) ? roles : `(${roles})`;
    };
    return [model_id, cell('read'), cell('write'), cell('deploy'), cell('ship_code')];
  });
  return out.table(COLUMNS, rows);
}

export function noteAuthor({ out }: Context, { author, author_name, issued_at, models }: AccessAnswer): void {
  if (author === null && models.some(({ own }) => own.includes('read')))
    out.note(
      'no admin’s policy is in force: who may read is as it was last; an admin confirms it with: atmosphere access set',
    );
  else if (author === null)
    out.note('no policy yet: these are the defaults; to change them: atmosphere access set MODEL --read …');
  else out.note(`said by ${author_name ?? author} at ${issued_at}; in parentheses: what * or the defaults give`);
}
