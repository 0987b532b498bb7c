import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const PACKING_ERRORS = {
  mission_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'There is no folder of that mission; the message says where it was looked for. `--from DIR` names it.',
  },
  bad_mission: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'The mission cannot be made into a package as it stands; each mistake is told, with its line where it is in mission.yaml.',
  },
  pieces_missing: {
    kind: 'not_found',
    fault: 'user',
    retry: true,
    means:
      'Models or files that the mission names are not here. Each is told, with what is nearest to it. Nothing was written.',
  },
  unknown_tier: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A tier is none of tier_1, tier_2, tier_3, or the package has nothing for it.',
  },
  cannot_sign: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The home has no key whose signature on a package would count: neither the authority’s, nor that of a node that may write. Make the package where there is one.',
  },
  founder_key_unusable: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'The founder’s key cannot be read, or is no Ed25519 private key in PEM, as `openssl genpkey -algorithm ed25519` makes it.',
  },
  folder_unreadable: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'A folder or file of the mission cannot be read.',
  },
  bad_inventory: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The file is no inventory of a site, as `atmosphere package inventory` writes it.',
  },
  incomplete_package: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'The package to export from does not hold every member that the export is to have: it is of one tier, or a difference.',
  },
} as const satisfies ErrorTable;

export class PackingError extends AtmosphereError<keyof typeof PACKING_ERRORS> {
  constructor(code: keyof typeof PACKING_ERRORS, message: string, options?: ErrorOptionsWithData) {
    super(PACKING_ERRORS, code, message, options);
  }
}
