import type { CommandSpec } from '../command.ts';

export const modelSign: CommandSpec<{ bundle?: string }> = {
  usage: 'sign <name>',
  about: 'Sign a model’s files with this node’s key, as a bundle that OpenSSF model signing tools read',
  examples: ['atmosphere model sign org/llama3', 'atmosphere model sign org/llama3@1.2.0 --bundle ./model.sig'],
  options: [{ flags: '--bundle <file>', about: 'where to write it (default: model.sig)' }],
  async run(context, { args: [name = ''], options }) {
    return await (await import('../model-bundles.ts')).signModel(context, name, options.bundle ?? 'model.sig');
  },
};
