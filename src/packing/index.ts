/**
 * Packages made and looked at without a daemon: a mission’s folder becomes one, one is exported for a stick, a site or a tier, inspected,
 * verified and compared. Files are read here; what lies in the library is asked for over a port. Spec: docs/spec/21-packages.md §13–§15.
 */
export { type PackageDiff, parsePartSize } from '../atmo/index.ts';
export { type CreateResult, createPackage } from './create/create-package.ts';
export type { CreatedPackage } from './create/package-maker.ts';
export { type ExportResult, exportPackage } from './export/export-package.ts';
export type { DifferenceSavings } from './export/plan-difference.ts';
export { openFileStock, openKeptStock, type Stock } from './export/stock.ts';
export {
  compareFiles,
  failureOf,
  type Inspected,
  lookInto,
  type Verified,
  verifyFile,
  writeSignedBytes,
} from './look/look-at-package.ts';
export type { FindBlobs, ResolveModels } from './ports.ts';
export { readInventory } from './read/read-inventory.ts';
export { readFounderKey } from './sign/founder-key.ts';
export { openHand, openHomeSeal } from './sign/home-seal.ts';
export type { PackingProgress } from './write/progress.ts';
