import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';

export const modelRemove: CommandSpec = {
  usage: 'remove <name>',
  about: 'Forget a model; what was pulled is deleted, files of other programs stay',
  examples: ['atmosphere model remove org/llama3@1.2.0'],
  async run(context, { args: [name = ''] }) {
    const { parseModelRef } = await import('../model-ref.ts');
    const answer = await context.call('modelRemove', { body: parseModelRef(name) });
    context.out.answer(answer, () => [
      ...answer.removed.map(({ model_id, version }) => `removed ${model_id}@${version}`),
      `${formatBytes(answer.freed_bytes)} freed`,
    ]);
    return 0;
  },
};
