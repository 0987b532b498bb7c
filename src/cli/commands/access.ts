import type { GroupSpec } from '../command.ts';
import { accessSet } from './access-set.ts';
import { accessShow } from './access-show.ts';
import { accessUnset } from './access-unset.ts';

export const access: GroupSpec = {
  usage: 'access',
  about: 'Which roles may read, write and deploy which models',
  examples: ['atmosphere access show', 'atmosphere access set acme/secret --read admin,gateway'],
  children: [accessShow, accessSet, accessUnset],
};
