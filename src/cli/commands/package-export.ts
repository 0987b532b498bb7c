import type { CommandSpec } from '../command.ts';
import type { ExportOptions } from '../export-package.ts';
import { parseTier } from '../package-flags.ts';

export const packageExport: CommandSpec<ExportOptions> = {
  usage: 'export <package>',
  about: 'Take a package along: one that is installed here, or an .atmo file, for a stick, a tier, or a site',
  endsWithEvent: true,
  examples: [
    'atmosphere package export production-inspection-1.3 --output /media/usb/',
    'atmosphere package export production-inspection --version 1.3 --tier tier_1 --output /media/usb/',
    'atmosphere package export ./packages/production-inspection-v1.3.atmo --split 4GiB --output /media/usb/',
    'atmosphere package export production-inspection --since plant-7.inventory.json --to "plant 7" --output /media/usb/',
  ],
  options: [
    { flags: '--version <version>', about: 'of an installed package (default: the one in force)' },
    { flags: '--tier <tier>', about: 'only what devices of that tier take', parse: parseTier },
    {
      flags: '--format <format>',
      about: 'archive (the default): one .atmo file; dir: a folder',
      choices: ['archive', 'dir'],
    },
    { flags: '--split <size>', about: 'in parts for the medium at hand, like 4GiB (FAT32) or dvd' },
    { flags: '--since <file>', about: 'leave out what a site has: its `atmosphere package inventory`' },
    { flags: '--to <whom>', about: 'for the chain of custody: who gets it' },
    { flags: '--output <dir>', about: 'where to write it (default: here)' },
  ],
  async run(context, { args: [name = ''], options }) {
    return (await import('../export-package.ts')).exportTo(context, name, options);
  },
};
