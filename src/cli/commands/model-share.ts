import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';

export const modelShare: CommandSpec<{ public?: boolean; private?: boolean }> = {
  usage: 'share <name>',
  about: 'Open a model to everybody who can reach this node, or close it again',
  examples: ['atmosphere model share --public org/llama3', 'atmosphere model share --private org/llama3'],
  options: [
    { flags: '--public', about: 'anybody may read it, without certificate or token' },
    { flags: '--private', about: 'members of the mesh only' },
  ],
  async run(context, { args: [id = ''], options }) {
    if (Boolean(options.public) === Boolean(options.private))
      throw new CliError('bad_usage', 'Sharing a model: wanted one of --public and --private', {
        data: { try: 'atmosphere model share --help' },
      });
    const row = await context.call('modelShare', { body: { id, public: options.public === true } });
    context.out.answer(row, () => [`${row.model_id}@${row.version} is ${row.public ? 'public' : 'for members only'}`]);
    return 0;
  },
};
