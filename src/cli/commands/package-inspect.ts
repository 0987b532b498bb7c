import type { CommandSpec } from '../command.ts';

export const packageInspect: CommandSpec<{ signedBytes?: string }> = {
  usage: 'inspect <path>',
  about: 'What is in a package, who signed it, through whose hands it went; without reading its models',
  examples: [
    'atmosphere package inspect production-inspection-v1.3.atmo',
    'atmosphere package inspect /media/usb/production-inspection-v1.3.atmo.001 --json | jq .tiers',
    'atmosphere package inspect production-inspection-v1.3.atmo --signed-bytes ./check  # for openssl',
  ],
  options: [{ flags: '--signed-bytes <dir>', about: 'write the signed bytes, signatures and keys there, for openssl' }],
  async run(context, { args: [path = ''], options }) {
    return (await import('../inspect-package.ts')).showPackage(context, path, options.signedBytes);
  },
};
