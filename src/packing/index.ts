/**
 * Packages made and looked at without a daemon: a mission’s folder becomes one, one is exported for a stick, a site or a tier, inspected,
 * verified and compared. Files are read here; what lies in the library is asked for over a port. Spec: docs/spec/21-packages.md §13–§15.
 */
export { type CreateResult, type CreateWish, createPackage } from './create/create-package.ts';
export type { CreatedPackage } from './create/package-maker.ts';
export { PackingError } from './errors.ts';
export type { LibraryModel, MissingModel, ModelWanted, ResolveModels } from './ports.ts';
export { readFounderKey } from './sign/founder-key.ts';
export { openHomeSeal } from './sign/home-seal.ts';
export type { OnProgress, PackingProgress } from './write/progress.ts';
