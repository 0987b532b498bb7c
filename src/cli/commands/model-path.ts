import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';

export const modelPath: CommandSpec = {
  usage: 'path <name>',
  about: 'Where a model lies on this machine',
  examples: ['atmosphere model path org/llama3', 'llama-cli -m "$(atmosphere model path org/llama3)"'],
  async run(context, { args: [name = ''] }) {
    const { parseModelRef } = await import('../model-ref.ts');
    const { model_id, version, path, files } = await context.call('modelInfo', { query: parseModelRef(name) });
    if (path === null)
      throw new CliError('nothing_found', `Looking for ${model_id}@${version}: it is not on this machine`, {
        data: { try: `atmosphere model pull ${name}` },
      });
    context.out.answer({ model_id, version, path, files }, () => [path]);
    return 0;
  },
};
