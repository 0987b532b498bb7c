/** A version of a package as it will be written down: what is kept of it here, and for whom. Spec: docs/spec/21-packages.md §8. */
import { createHash } from 'node:crypto';
import type { PackagePapers } from '../../atmo/index.ts';
import { formatBytes, type Sha256 } from '../../core/index.ts';
import { isOfTier, PACKAGE_FILES, type PackageTier, packageMembers } from '../../protocol/index.ts';
import type { KeptMember, PackageModel, PackageVersion } from '../../registry/index.ts';
import { PackageError } from './errors.ts';
import type { SignedBy } from './install-ports.ts';
import { PACKAGE_LIMITS } from './limits.ts';
import { neededMembers } from './plan-install.ts';

/** Behind the name of a configuration's file that was replaced. */
export const PREVIOUS = '.previous';

export interface TargetFacts {
  readonly install: string;
  readonly papers: PackagePapers;
  /** With this node's own line. */
  readonly custodyBytes: Buffer;
  readonly signed: SignedBy;
  readonly tier: PackageTier;
  readonly hasAllTiers: boolean;
  readonly models: readonly PackageModel[];
  readonly nowMs: number;
}

/** Throws PackageError `config_unusable`. */
export function makeTarget(facts: TargetFacts): PackageVersion {
  const { install, papers, signed, tier, hasAllTiers, models, nowMs } = facts;
  const { manifest, digest: manifestSha256 } = papers;
  const { id, version, created: createdAt, created_by: createdBy } = manifest.package;
  const needed = neededMembers(packageMembers(manifest), { tier, hasAllTiers });
  const members = needed.map(({ member: { path, sha256, sizeBytes }, isOfTier: isOwn }): KeptMember => {
    return { path, sha256, sizeBytes, isOfTier: isOwn };
  });
  const agents = (manifest.contents.agents ?? []).filter((agent) => isOfTier(agent, tier));
  const target: PackageVersion = {
    ...{ id, version, install, manifestSha256, createdBy, createdAt, tier, hasAllTiers },
    ...{ meshId: signed.meshId, signer: signed.signer },
    members: [...documentsToKeep(facts).map(toMember), ...members],
    models,
    agents: agents.map((agent) => ({ path: agent.path, id: agent.id, version: agent.version })),
    keptConfig: [],
    installedAtMs: nowMs,
  };
  verifyConfig(target);
  return target;
}

export interface KeptDocument {
  readonly path: string;
  readonly bytes: Buffer;
}

/** The files that say what the package is; none for what it does not have. */
export function documentsToKeep({
  papers,
  custodyBytes,
}: Pick<TargetFacts, 'papers' | 'custodyBytes'>): KeptDocument[] {
  const { manifestPaper, checksums } = papers;
  return [
    { path: PACKAGE_FILES.manifest, bytes: manifestPaper.bytes },
    ...(checksums === undefined ? [] : [{ path: PACKAGE_FILES.checksums, bytes: checksums.bytes }]),
    { path: PACKAGE_FILES.custody, bytes: custodyBytes },
  ];
}

export function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

function toMember({ path, bytes }: KeptDocument): KeptMember {
  return { path, sha256: sha256Of(bytes), sizeBytes: bytes.length, isOfTier: true };
}

/** Configuration is compared and shown; what is too large for that is none. */
function verifyConfig({ id, version, members }: PackageVersion): void {
  const most = PACKAGE_LIMITS.keptConfigBytes;
  const config = members.filter(({ path, isOfTier: isOwn }) => isOwn && path.startsWith('config/'));
  verifyPlaces(`Installing ${id} ${version}`, config);
  const bytes = config.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes <= most && config.length <= PACKAGE_LIMITS.configFiles) return;
  const has = `its configuration has ${config.length} files of ${formatBytes(bytes)}`;
  const what = `Installing ${id} ${version}: ${has}, wanted at most ${PACKAGE_LIMITS.configFiles} of ${formatBytes(most)}`;
  throw new PackageError('config_unusable', what, { data: { id, version } });
}

/** `x.previous` is where what the operator had in `x` stays. */
function verifyPlaces(what: string, config: readonly KeptMember[]): void {
  const paths = new Set(config.map(({ path }) => path.toLowerCase()));
  const taken = config.find(({ path }) => paths.has(`${path.toLowerCase()}${PREVIOUS}`));
  if (taken === undefined) return;
  const why = `it has ${taken.path}${PREVIOUS}, which is where what was in ${taken.path} stays`;
  throw new PackageError('config_unusable', `${what}: ${why}; wanted another name`, { data: { path: taken.path } });
}
