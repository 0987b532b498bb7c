/**
 * `package create`: a mission’s folder and models of the library as one signed package, or one for each tier.
 * Spec: docs/spec/21-packages.md §13.
 */
import { resolve } from 'node:path';
import {
  isOfTier,
  PACKAGE_EXTENSION,
  type PackageManifest,
  type PackageTier,
  packageName,
} from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';
import { findMission } from '../mission/find-mission.ts';
import { readMission } from '../mission/read-mission.ts';
import type { ResolveModels } from '../ports.ts';
import type { Seal } from '../sign/seal.ts';
import type { OnProgress } from '../write/progress.ts';
import { type Draft, filesOf } from './draft.ts';
import { makeDraft } from './make-draft.ts';
import { type CreatedPackage, PackageMaker, type Variant } from './package-maker.ts';

export interface CreateWish {
  readonly mission: string;
  readonly version: string;
  readonly from?: string | undefined;
  /** A package for each of these; without any, one of all tiers. */
  readonly tiers: readonly PackageTier[];
  readonly output: string;
  readonly cwd: string;
  readonly home: string;
  /** `SOURCE_DATE_EPOCH`. */
  readonly epoch?: string | undefined;
  readonly seal: Seal;
  readonly resolveModels: ResolveModels;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CreateResult {
  readonly manifest: PackageManifest;
  readonly packages: readonly CreatedPackage[];
  /** Files among the models that are none. */
  readonly leftOut: readonly string[];
  /** Models that run code when they are loaded: sites refuse them unless both mesh and owner let them (17 §8). */
  readonly unsafe: readonly UnsafeModel[];
}

export interface UnsafeModel {
  readonly path: string;
  readonly id: string;
}

/** Throws PackingError, AtmoError, ProtocolError; nothing has a package’s name then that is none. */
export async function createPackage(wish: CreateWish): Promise<CreateResult> {
  const folder = await readMission(await findMission({ ...wish, name: wish.mission }));
  const { draft, leftOut } = await makeDraft(folder, {
    ...{ name: wish.mission, version: wish.version, epoch: wish.epoch },
    ...{ createdBy: wish.seal.nodeName, resolveModels: wish.resolveModels },
  });
  const { seal, onProgress, signal } = wish;
  const output = resolve(wish.cwd, wish.output);
  const maker = new PackageMaker(draft, {
    seal,
    output,
    onProgress,
    signal,
    variants: variantsOf(draft, wish, output),
  });
  const made = await maker.make();
  return { ...made, leftOut, unsafe: unsafeModels(made.manifest) };
}

function unsafeModels({ contents }: PackageManifest): UnsafeModel[] {
  const models = contents.models?.filter(({ entry }) => entry?.unsafe === true) ?? [];
  return models.map(({ path, id }) => ({ path, id }));
}

function variantsOf(draft: Draft, { tiers }: CreateWish, output: string): Variant[] {
  const strange = tiers.find((tier) => !draft.tiers.includes(tier));
  if (strange !== undefined)
    throw new PackingError(
      'unknown_tier',
      `Making ${draft.id}: the mission has nothing for ${strange}; it has ${draft.tiers.join(', ')}`,
    );
  const all = filesOf(draft);
  const pathOf = (only: readonly PackageTier[]) =>
    resolve(output, `${packageName({ id: draft.id, version: draft.version, tiers: only })}${PACKAGE_EXTENSION}`);
  if (tiers.length === 0) return [{ path: pathOf([]), tiers: draft.tiers, files: all }];
  return [...new Set(tiers)].map((tier) => ({
    ...{ path: pathOf([tier]), tiers: [tier] },
    files: all.filter((file) => isOfTier(file, tier)),
  }));
}
