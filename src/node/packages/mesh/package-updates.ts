/**
 * What mesh and local network offer of packages, against what is installed. Of what would be an update the list of files and the manifest
 * are fetched, so that what really is missing here, and whether it would be taken, can be said. Spec: docs/spec/24-local-network.md §7.
 */
import { formatBytes, messageOf, type NodeId } from '../../../core/index.ts';
import {
  compareTiers,
  compareVersions,
  type FileSetFile,
  PACKAGE_FILES,
  type PackageTier,
  PROTOCOL_LIMITS,
  parsePackageManifest,
} from '../../../protocol/index.ts';
import { type BlobPullDeps, pullBlob } from '../../pull/blob-pull.ts';
import { listFiles } from '../../pull/pull-model.ts';
import type { PackageJudge } from '../install-ports.ts';
import { PACKAGE_LIMITS } from '../limits.ts';
import { readBlob } from './blob-package-source.ts';
import type { GatewayClaim } from './gateway-claim.ts';
import { type HeardOffer, type InstalledFacts, tierToTake } from './plan-sync.ts';

export interface UpdateRow {
  readonly id: string;
  readonly version: string;
  readonly tiers: readonly PackageTier[];
  readonly tier: PackageTier | undefined;
  readonly installedVersion: string | undefined;
  readonly isNewer: boolean;
  /** Undefined where it is only claimed. */
  readonly manifestSha256: string | undefined;
  /** Of the tier that this node would take. */
  readonly offer: HeardOffer | undefined;
  readonly meshNodes: readonly NodeId[];
  readonly lanNodes: readonly { readonly nodeId: NodeId; readonly name: string }[];
}

export interface UpdatesQuestion {
  readonly offers: readonly HeardOffer[];
  /** Of gateways in the local network, whatever mesh they say they are in. */
  readonly claims: readonly GatewayClaim[];
  readonly installed: readonly InstalledFacts[];
  readonly ownTier: PackageTier;
}

/** By id, newest version first. A claim of what the mesh offers as well is that offer's; others are rows of their own. Pure. */
export function planUpdates(question: UpdatesQuestion): UpdateRow[] {
  const byContent = Map.groupBy(question.offers, ({ offer }) => keyOf(offer, offer.manifestSha256));
  const rows = [...byContent.values()].flatMap((offers) => rowOfOffers(offers, question) ?? []);
  const claimed = claimsOf(question.claims).filter(
    ({ id, version }) => !rows.some((row) => isOf(row, { id, version })),
  );
  for (const { id, version, nodes } of claimed)
    rows.push({
      ...versionFacts({ id, version }, question.installed),
      ...{ tiers: [], tier: undefined, manifestSha256: undefined, offer: undefined, meshNodes: [], lanNodes: nodes },
    });
  return rows.sort((a, b) => (a.id === b.id ? compareVersions(b.version, a.version) : a.id < b.id ? -1 : 1));
}

function rowOfOffers(offers: readonly HeardOffer[], question: UpdatesQuestion): UpdateRow | undefined {
  const [first] = offers;
  if (first === undefined) return undefined;
  const { id, version, tiers: all, manifestSha256 } = first.offer;
  const installed = question.installed.find((one) => one.id === id);
  const tier = tierToTake(all, (installed?.tier as PackageTier | undefined) ?? question.ownTier);
  const claimed = claimsOf(question.claims).find((claim) => isOf(claim, { id, version }));
  return {
    ...versionFacts({ id, version }, question.installed),
    tiers: [...new Set(offers.map(({ offer }) => offer.tier))].sort(compareTiers),
    ...{ tier, manifestSha256 },
    offer: offers.find(({ offer }) => offer.tier === tier),
    meshNodes: [...new Set(offers.flatMap(({ nodeIds }) => nodeIds))],
    lanNodes: claimed?.nodes ?? [],
  };
}

interface Version {
  readonly id: string;
  readonly version: string;
}

function versionFacts({ id, version }: Version, installed: readonly InstalledFacts[]) {
  const here = installed.find((one) => one.id === id)?.version;
  return { id, version, installedVersion: here, isNewer: here !== undefined && compareVersions(version, here) > 0 };
}

function claimsOf(claims: readonly GatewayClaim[]) {
  const all = claims.flatMap(({ packages, nodeId, name }) => packages.map((one) => ({ ...one, nodeId, name })));
  return [...Map.groupBy(all, (one) => keyOf(one, '')).values()].flatMap((same) => {
    const [first] = same;
    const nodes = [...new Map(same.map(({ nodeId, name }) => [nodeId, { nodeId, name }])).values()];
    return first === undefined ? [] : [{ id: first.id, version: first.version, nodes }];
  });
}

function isOf(one: Version, other: Version): boolean {
  return one.id === other.id && one.version === other.version;
}

function keyOf({ id, version }: Version, digest: string): string {
  return `${id}\n${version}\n${digest}`;
}

/** What came of a look into an offer. */
export interface OfferLook {
  readonly missingBytes: number | undefined;
  readonly isTrusted: boolean | undefined;
  readonly note: string | undefined;
}

export interface LookDeps extends BlobPullDeps {
  readonly judge: Pick<PackageJudge, 'verify'>;
}

/** Fetches what is small. What goes wrong is in the note. */
export async function lookInto(deps: LookDeps, offer: HeardOffer, signal: AbortSignal): Promise<OfferLook> {
  const ends = AbortSignal.any([signal, AbortSignal.timeout(PACKAGE_LIMITS.offerLookMs)]);
  let missingBytes: number | undefined;
  try {
    const files = await listFiles(deps, { entry: offer.entry }, ends);
    missingBytes = await missingOf(deps, files);
    const problem = await problemOf(deps, offer, files, ends);
    return { missingBytes, isTrusted: problem === undefined, note: problem };
  } catch (thrown) {
    return { missingBytes, isTrusted: undefined, note: `nobody could be asked: ${messageOf(thrown)}` };
  }
}

async function missingOf({ store }: LookDeps, files: readonly FileSetFile[]): Promise<number> {
  const distinct = new Map(files.map(({ sha256, size_bytes }) => [sha256, size_bytes]));
  let bytes = 0;
  for (const [sha256, sizeBytes] of distinct) if ((await store.stat(sha256)) === undefined) bytes += sizeBytes;
  return bytes;
}

/** Why it would not be taken here. Throws when the manifest cannot be had. */
async function problemOf(
  deps: LookDeps,
  { entry }: HeardOffer,
  files: readonly FileSetFile[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const manifest = files.find(({ path }) => path === PACKAGE_FILES.manifest);
  const most = PROTOCOL_LIMITS.packageManifestBytes;
  if (manifest === undefined) return 'its list names no manifest';
  if (manifest.size_bytes > most) return `its manifest has ${formatBytes(manifest.size_bytes)}`;
  const { sha256, size_bytes: sizeBytes, piece_root: pieceRoot, path } = manifest;
  const facts = { sha256, sizeBytes, pieceRoot, path };
  if ((await deps.store.stat(sha256)) === undefined) await pullBlob(deps, { entry }, facts, () => {}, signal);
  const bytes = await readBlob(deps.store, sha256, most);
  try {
    deps.judge.verify(parsePackageManifest(bytes));
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}
