import type { CommandSpec } from '../command.ts';

export const down: CommandSpec = {
  usage: 'down',
  about: 'Stop the daemon',
  examples: ['atmosphere down'],
  async run(context) {
    return (await import('../stop-daemon.ts')).stopDaemon(context);
  },
};
