import type { CommandSpec } from '../command.ts';

export const packageDiff: CommandSpec = {
  usage: 'diff <before> <after>',
  about: 'What differs between two packages: models, agents, tools, configuration, chunks of knowledge, sizes',
  examples: ['atmosphere package diff production-inspection-v1.2.atmo production-inspection-v1.3.atmo'],
  async run(context, { args: [before = '', after = ''] }) {
    return (await import('../diff-packages.ts')).showDifference(context, before, after);
  },
};
