import type { CommandSpec } from '../command.ts';

export const modelPin: CommandSpec = {
  usage: 'pin <name>',
  about: 'Hold a model on this node as it is, or NAME@VERSION, whatever others order',
  examples: ['atmosphere model pin acme/detector', 'atmosphere model pin acme/detector@1.2.0'],
  async run(context, { args: [name = ''] }) {
    const { parseModelRef } = await import('../model-ref.ts');
    const answer = await context.call('modelPin', { body: parseModelRef(name) });
    context.out.answer(answer, () => [`pinned ${answer.model_id}@${answer.version} on this node`]);
    context.out.note(`to let it go: atmosphere model unpin ${answer.model_id}`);
    return 0;
  },
};
