import { noteAuthor, toAccessLines } from '../access-table.ts';
import type { CommandSpec } from '../command.ts';

export const accessShow: CommandSpec = {
  usage: 'show [model]',
  about: 'Which roles may read, write, deploy and ship code of which model',
  examples: ['atmosphere access show', 'atmosphere access show acme/secret --json'],
  async run(context, { args: [model] }) {
    const answer = await context.call('access', { query: model === undefined ? {} : { model } });
    context.out.answer(answer, () => toAccessLines(context, answer));
    noteAuthor(context, answer);
    return 0;
  },
};
