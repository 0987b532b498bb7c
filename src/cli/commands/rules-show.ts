import type { AnswerOf, RuleSetRow } from '../../api/index.ts';
import type { CommandSpec } from '../command.ts';
import { complaintLine } from '../rules-file.ts';

export const rulesShow: CommandSpec = {
  usage: 'show',
  about: 'The rules that hold here: the mesh’s, and those of this machine’s own file',
  examples: ['atmosphere rules show', 'atmosphere rules show --json'],
  async run(context) {
    const answer = await context.call('rulesShow');
    context.out.answer(answer, () => toLines(answer));
    const { path, complaints } = answer.own_file;
    for (const complaint of complaints) context.out.warn(complaintLine(path, complaint));
    return 0;
  },
};

function toLines({ sets, own_file: own }: AnswerOf<'rulesShow'>): string[] {
  const none = sets.length === 0 ? [`no rules hold here; this machine’s own would be in ${own.path}`] : [];
  return [...none, ...sets.flatMap((set) => setLines(set, own.path))];
}

function setLines({ name, source, author_name: author, ordered_at: at, in_force, rules }: RuleSetRow, path: string) {
  const from = source === 'own' ? path : `${name}, by ${author} at ${at}`;
  const note = in_force ? '' : '  (replaced by a later set)';
  return [`${from}${note}`, ...rules.map((rule) => `  ${ruleLine(rule)}`)];
}

/** `role edge or gateway, min_memory_mb 512, labels hall=7`. */
function conditionWords(conditions: object): string {
  return Object.entries(conditions)
    .map(([key, value]) => `${key} ${valueWords(value)}`)
    .join(', ');
}

function valueWords(value: unknown): string {
  if (Array.isArray(value)) return value.join(' or ');
  if (value === null || typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([key, word]) => `${key}=${word}`)
    .join(' ');
}

/** What the daemon has checked: a rule's own fields. */
function ruleLine(rule: Readonly<Record<string, unknown>>): string {
  const { name, trigger, schedule, conditions, models, replicas } = rule;
  const named = (models as { readonly name: string; readonly version: string }[]).map(
    (one) => `${one.name}@${one.version}`,
  );
  const when = schedule === undefined ? trigger : `${trigger} ${schedule}`;
  const where = Object.keys(conditions as object).length === 0 ? 'every node' : conditionWords(conditions as object);
  const count = typeof replicas === 'number' && replicas > 0 ? ` on ${replicas} of them` : '';
  return `${name}: ${named.join(', ')} for ${where}${count} (${when})`;
}
