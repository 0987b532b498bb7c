import type { CommandSpec } from '../command.ts';

export const packageVerify: CommandSpec<{ quick?: boolean }> = {
  usage: 'verify <path>',
  about: 'Check a package: signatures, structure, custody, and every byte of it',
  endsWithEvent: true,
  examples: [
    'atmosphere package verify production-inspection-v1.3.atmo',
    'atmosphere package verify /media/usb/production-inspection-v1.3.atmo.001 --quick',
  ],
  options: [{ flags: '--quick', about: 'all but the content: no file of it is read' }],
  async run(context, { args: [path = ''], options }) {
    return (await import('../verify-package.ts')).verifyPackageAt(context, path, options.quick === true);
  },
};
