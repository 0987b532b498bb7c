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
    const [{ model_id: id } = { model_id: name }] = answer.removed;
    if (answer.still_wanted !== undefined)
      context.out.note(
        `it is still wanted here (${answer.still_wanted}) and will come back; to keep it away: ${keepAway(answer.still_wanted, id)}`,
      );
    return 0;
  },
};

function keepAway(wantedBy: string, id: string): string {
  return wantedBy === 'pin' ? `atmosphere model unpin ${id}` : `atmosphere model undeploy ${id}`;
}
