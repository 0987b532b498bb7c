import type { GroupSpec } from '../command.ts';
import { packageCheckUpdates } from './package-check-updates.ts';
import { packageCreate } from './package-create.ts';
import { packageDiff } from './package-diff.ts';
import { packageExport } from './package-export.ts';
import { packageImport } from './package-import.ts';
import { packageInspect } from './package-inspect.ts';
import { packageInventory } from './package-inventory.ts';
import { packageList } from './package-list.ts';
import { packageRemove } from './package-remove.ts';
import { packageRollback } from './package-rollback.ts';
import { packageSync } from './package-sync.ts';
import { packageTrust } from './package-trust.ts';
import { packageVerify } from './package-verify.ts';

export const packages: GroupSpec = {
  usage: 'package',
  about: 'Packages for places without a network: make, check, take along, install',
  examples: [
    'atmosphere package create --mission production-inspection --version 1.3 --output ./packages/',
    'atmosphere package export production-inspection-1.3 --split 4GiB --output /media/usb/',
    'atmosphere package inspect ./packages/production-inspection-v1.3.atmo',
  ],
  children: [
    packageCreate,
    packageExport,
    packageInspect,
    packageVerify,
    packageDiff,
    packageImport,
    packageList,
    packageRollback,
    packageRemove,
    packageTrust,
    packageSync,
    packageCheckUpdates,
    packageInventory,
  ],
};
