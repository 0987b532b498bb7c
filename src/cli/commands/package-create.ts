import type { CommandSpec } from '../command.ts';
import type { CreateOptions } from '../create-package.ts';
import { parseTier } from '../package-flags.ts';

export const packageCreate: CommandSpec<CreateOptions> = {
  usage: 'create',
  about:
    'Make a signed package of a mission: a folder with mission.yaml, or with models/, agents/, tools/, knowledge/, config/',
  endsWithEvent: true,
  examples: [
    'atmosphere package create --mission production-inspection --version 1.3 --output ./packages/',
    'atmosphere package create --mission inspection --from ./inspection --version 1.3 --tier tier_1 --tier tier_3',
    'atmosphere package create --mission inspection --version 1.3 --founder-key ~/keys/founder.pem',
  ],
  options: [
    { flags: '--mission <name>', about: 'its name: the folder ./NAME, ./missions/NAME, or missions/NAME of the home' },
    { flags: '--version <version>', about: 'of the package, like 1.3' },
    { flags: '--from <dir>', about: 'the folder of the mission itself' },
    {
      flags: '--tier <tier>',
      about: 'a package for this tier alone, which is smaller (may be repeated; without it one of all tiers)',
      parse: parseTier,
      repeats: true,
    },
    { flags: '--output <dir>', about: 'where to write it (default: here)' },
    { flags: '--founder-key <file>', about: 'a founder signs too: an Ed25519 private key in PEM' },
  ],
  async run(context, { options }) {
    return (await import('../create-package.ts')).createFromMission(context, options);
  },
};
