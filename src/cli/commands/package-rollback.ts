import type { CommandSpec } from '../command.ts';

export const packageRollback: CommandSpec<{ reason?: string }> = {
  usage: 'rollback <name>',
  about: 'Go back to the version of a package that was installed before; nothing is fetched',
  endsWithEvent: true,
  examples: [
    'atmosphere package rollback production-inspection',
    'atmosphere package rollback production-inspection --reason "misses cracks"',
  ],
  options: [{ flags: '--reason <text>', about: 'why; the audit log keeps it' }],
  async run(context, { args: [name = ''], options }) {
    return (await import('../install-package.ts')).rollBackPackage(context, name, options.reason);
  },
};
