import type { CommandSpec } from '../command.ts';
import type { ImportOptions } from '../install-package.ts';
import { parseTier } from '../package-flags.ts';

export const packageImport: CommandSpec<ImportOptions> = {
  usage: 'import <path>',
  about: 'Install a package from an archive, a folder or parts: all of it, or nothing',
  endsWithEvent: true,
  examples: [
    'atmosphere package import /media/usb/production-inspection-v1.3.atmo',
    'atmosphere package import /media/usb --tier tier_1',
    'atmosphere package import ./inspection-v1.3.atmo.001  # the other parts may come later',
    'atmosphere package import ./inspection-v1.2.atmo --allow-downgrade --reason "1.3 misses cracks"',
  ],
  options: [
    { flags: '--tier <tier>', about: 'instead of the one that fits this machine', parse: parseTier },
    { flags: '--all-tiers', about: 'keep what other tiers need too, so that their nodes get it from here' },
    {
      flags: '--no-all-tiers',
      about: 'keep what this node needs (on a gateway the default is all that the package has)',
    },
    { flags: '--allow-downgrade', about: 'install an older version than the one that is installed' },
    {
      flags: '--allow-other-mesh',
      about: 'install it though the package of its id that is installed is of another mesh',
    },
    { flags: '--reason <text>', about: 'why; the audit log keeps it' },
  ],
  async run(context, { args: [path = ''], options }) {
    return (await import('../install-package.ts')).importPackage(context, path, options);
  },
};
