import type { CommandSpec } from '../command.ts';

export const doctor: CommandSpec = {
  usage: 'doctor',
  about: 'Check this machine and its daemon, with advice',
  examples: ['atmosphere doctor', 'atmosphere doctor --json'],
  async run(context) {
    return (await import('../examine.ts')).examine(context);
  },
};
