/** Whom the owner agreed to, as lines. Pure. */
import type { AnswerOf } from '../api/index.ts';
import type { Context } from './context.ts';
import { formatMoment } from './format.ts';
import type { Column } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'SOURCE', shrinks: true },
  { title: 'SINCE' },
  { title: 'BY' },
  { title: 'ID', shrinks: true },
];

const WORDS: Readonly<Record<AnswerOf<'consent'>['mode'], string>> = {
  members: 'members: nodes of the mesh and mirrors that were named are agreed to',
  ask: 'ask: each source has to be agreed to before its first model',
  all: 'all: nobody has to be agreed to',
};

export function showConsents(context: Context, answer: AnswerOf<'consent'>): void {
  const rows = answer.consents.map(({ source, name, given_at, how }) => [name, formatMoment(given_at), how, source]);
  context.out.answer(answer, () => [
    `mode ${WORDS[answer.mode]}`,
    ...(rows.length === 0 ? [] : context.out.table(COLUMNS, rows)),
  ]);
}
