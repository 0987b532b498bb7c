import type { CommandSpec } from '../command.ts';
import { parseTier } from '../package-flags.ts';
import { parseDurationWithin } from '../parse-values.ts';
import type { SyncOptions } from '../sync-packages.ts';

export const packageSync: CommandSpec<SyncOptions> = {
  usage: 'sync [name]',
  about: 'Get the newest version of packages from a node, or from gateways of the local network, and install them',
  endsWithEvent: true,
  examples: [
    'atmosphere package sync --from gateway-01',
    'atmosphere package sync --discover',
    'atmosphere package sync production-inspection --discover --tier tier_1',
  ],
  options: [
    { flags: '--from <node>', about: 'only what this node offers; others that have it help' },
    { flags: '--discover', about: 'look for gateways of this mesh in the local network, and ask them' },
    { flags: '--version <version>', about: 'this version instead of the newest; never an older one than installed' },
    { flags: '--tier <tier>', about: 'instead of the tier that is installed, or fits this machine', parse: parseTier },
    {
      flags: '--wait <duration>',
      about: 'how long to listen for gateways (default: 5s)',
      parse: parseDurationWithin(1, 300, 'a time like 10s'),
    },
  ],
  async run(context, { args: [id], options }) {
    return (await import('../sync-packages.ts')).syncFromOthers(context, id, options);
  },
};
