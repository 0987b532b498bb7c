import type { CommandSpec } from '../command.ts';

export const modelUnpin: CommandSpec = {
  usage: 'unpin <name>',
  about: 'Let orders, rules and roles decide on this node again',
  examples: ['atmosphere model unpin acme/detector'],
  async run(context, { args: [name = ''] }) {
    const { parseModelRef } = await import('../model-ref.ts');
    const { id } = parseModelRef(name);
    const answer = await context.call('modelUnpin', { body: { id } });
    context.out.answer(answer, () => [`unpinned ${answer.model_id} on this node`]);
    return 0;
  },
};
