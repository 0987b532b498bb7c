import { toAccessLines } from '../access-table.ts';
import type { CommandSpec } from '../command.ts';

export const accessUnset: CommandSpec = {
  usage: 'unset <name>',
  about: 'Take a model’s own entry away: it has the rights of * again',
  examples: ['atmosphere access unset acme/secret'],
  async run(context, { args: [model = ''] }) {
    const answer = await context.call('accessUnset', { body: { model } });
    context.out.answer(answer, () => toAccessLines(context, answer));
    return 0;
  },
};
