/**
 * Which of the packages that others offer this node should get: the newest version of each that is installed here, or of the one that
 * is named, in the tier that this node takes. Never an older one. Pure. Spec: docs/spec/24-local-network.md §6.
 */
import type { NodeId } from '../../../core/index.ts';
import { compareTiers, compareVersions, type ModelEntry, type PackageTier } from '../../../protocol/index.ts';
import type { PackageOffer } from './package-offer.ts';

export interface HeardOffer {
  readonly offer: PackageOffer;
  readonly entry: ModelEntry;
  /** Who has it. */
  readonly nodeIds: readonly NodeId[];
}

export interface InstalledFacts {
  readonly id: string;
  readonly version: string;
  readonly tier: string;
  readonly manifestSha256: string;
}

export interface SyncQuestion {
  readonly offers: readonly HeardOffer[];
  readonly installed: readonly InstalledFacts[];
  /** One package; all that are installed without it. */
  readonly id?: string | undefined;
  readonly version?: string | undefined;
  /** Instead of the one that is installed, or that this machine's hardware says. */
  readonly tier?: PackageTier | undefined;
  readonly ownTier: PackageTier;
  /** Only what this node offers. */
  readonly from?: NodeId | undefined;
}

export type SyncPlan =
  | { readonly kind: 'get'; readonly id: string; readonly candidates: readonly HeardOffer[] }
  | { readonly kind: 'current'; readonly id: string; readonly version: string }
  /** An older version is all there is, or was asked for. */
  | { readonly kind: 'older'; readonly id: string; readonly version: string; readonly installed: string }
  /** Others have it, and not of the tier that is wanted here. */
  | {
      readonly kind: 'other_tier';
      readonly id: string;
      readonly version: string;
      readonly wanted: PackageTier;
      readonly offered: readonly PackageTier[];
    }
  | { readonly kind: 'not_offered'; readonly id: string };

/** More would only be tried when all of these turn out to be no good. */
const MAX_CANDIDATES = 16;

export function planSync(question: SyncQuestion): SyncPlan[] {
  const { id, installed } = question;
  const ids = id === undefined ? installed.map((one) => one.id) : [id];
  return ids.map((one) => planOne(one, question));
}

function planOne(id: string, question: SyncQuestion): SyncPlan {
  const { version, from, offers } = question;
  const installed = question.installed.find((one) => one.id === id);
  const named = offers
    .filter(({ offer }) => offer.id === id && (version === undefined || offer.version === version))
    .filter(({ nodeIds }) => from === undefined || nodeIds.includes(from));
  const newest = named.toSorted(newestFirst)[0]?.offer;
  if (newest === undefined) return { kind: 'not_offered', id };
  const wanted = named.filter(({ offer }) => isUpdate(offer, installed, question.tier));
  if (wanted.length === 0 && installed !== undefined) {
    const isOlder = compareVersions(newest.version, installed.version) < 0;
    if (isOlder) return { kind: 'older', id, version: newest.version, installed: installed.version };
    return { kind: 'current', id, version: installed.version };
  }
  const tier = question.tier ?? (installed?.tier as PackageTier | undefined) ?? question.ownTier;
  const ofTier = wanted.filter(({ offer }) => offer.tier === tierToTake(offer.tiers, tier));
  if (ofTier.length > 0)
    return { kind: 'get', id, candidates: inTurns(ofTier.toSorted(newestFirst)).slice(0, MAX_CANDIDATES) };
  const offered = wanted.filter(({ offer }) => offer.version === newest.version).map(({ offer }) => offer.tier);
  const tiers = [...new Set(offered)].sort(compareTiers);
  return { kind: 'other_tier', id, version: newest.version, wanted: tier, offered: tiers };
}

/** Newer than what is here; or the same in another tier, when that is asked for. */
function isUpdate(offer: PackageOffer, installed: InstalledFacts | undefined, tier: PackageTier | undefined): boolean {
  if (installed === undefined) return true;
  const order = compareVersions(offer.version, installed.version);
  if (order !== 0) return order > 0;
  return offer.manifestSha256 === installed.manifestSha256 && tier !== undefined && tier !== installed.tier;
}

/** Of the tiers that a package has: the wanted one, else the next lower. Undefined: it has none for a device this small. */
export function tierToTake(tiers: readonly PackageTier[], wanted: PackageTier): PackageTier | undefined {
  return tiers.filter((tier) => compareTiers(tier, wanted) <= 0).toSorted((a, b) => compareTiers(b, a))[0];
}

/** First those that somebody offers of whom nothing is to be tried yet: a node has one version, and who offers many hides none of others. */
function inTurns(offers: readonly HeardOffer[]): HeardOffer[] {
  const heard = new Set<NodeId>();
  const isNews = offers.map(({ nodeIds }) => {
    const brings = nodeIds.some((nodeId) => !heard.has(nodeId));
    for (const nodeId of nodeIds) heard.add(nodeId);
    return brings;
  });
  return [...offers.filter((_, index) => isNews[index]), ...offers.filter((_, index) => !isNews[index])];
}

/** Newest version first; of one version what more nodes have. */
function newestFirst(one: HeardOffer, other: HeardOffer): number {
  return compareVersions(other.offer.version, one.offer.version) || other.nodeIds.length - one.nodeIds.length;
}
