/**
 * What is in a package, for people and programs: by its papers alone, however large it is. What is told of it is its maker's word; whether
 * that is believed is told beside it. Spec: docs/spec/21-packages.md §10.
 */
import { messageOf, type Sha256 } from '../../core/index.ts';
import {
  type DeltaManifest,
  digestOf,
  PACKAGE_SECTIONS,
  type PackageAbout,
  type PackageManifest,
  type PackageSection,
  type PackageSignatures,
  type PackageTier,
} from '../../protocol/index.ts';
import { type CustodyStep, verifyCustody } from '../custody/verify-custody.ts';
import { AtmoError, type AtmoErrorCode } from '../errors.ts';
import { filesOfPlanned, missingOf, type PlannedMember, planMembers } from '../manifest/plan-members.ts';
import { type PackagePapers, readPapers } from '../manifest/read-papers.ts';
import type { PackageSource } from '../ports.ts';
import {
  isPackageSignature,
  type PackageSigner,
  type PackageTrust,
  verifyPackageSignature,
} from '../verify/package-trust.ts';

export interface InspectedTier {
  readonly tier: PackageTier;
  readonly memberCount: number;
  /** Of its members, wherever they are. */
  readonly sizeBytes: number;
  /** Of the files of this package that it is made from. */
  readonly bytesHere: number;
  readonly isComplete: boolean;
}

/** A line of the manifest: a model of several files is one. */
export interface InspectedItem {
  readonly section: PackageSection;
  readonly path: string;
  /** The domain of knowledge; the path of configuration. */
  readonly id: string;
  readonly version: string | undefined;
  readonly sizeBytes: number;
  readonly hash: Sha256;
  readonly fileCount: number;
  readonly chunks: number | undefined;
  readonly tiers: readonly PackageTier[];
  /** How it is in this package; of several files that are there in several ways, `partly`. */
  readonly how: 'full' | 'difference' | 'held' | 'missing' | 'partly';
}

export interface InspectedTrust {
  /** As the manifest says it. */
  readonly said: PackageSignatures;
  /** By the key of whoever is said to have signed. */
  readonly holds: boolean;
  /** Unless nobody said whom to trust, or it is refused. */
  readonly signer: PackageSigner | undefined;
  readonly refusal: Refusal | undefined;
}

interface Refusal {
  readonly code: AtmoErrorCode;
  readonly message: string;
}

export interface PackageInspection {
  readonly name: string;
  readonly sizeBytes: number;
  readonly fileCount: number;
  readonly about: PackageAbout;
  readonly digest: Sha256;
  readonly manifest: PackageManifest;
  /** Of a difference package. */
  readonly delta: DeltaManifest | undefined;
  readonly tiers: readonly InspectedTier[];
  readonly items: readonly InspectedItem[];
  readonly signature: InspectedTrust;
  readonly custody: readonly CustodyStep[];
  /** Why custody.jsonl is not told. */
  readonly custodyRefusal: Refusal | undefined;
}

/** Throws AtmoError `manifest_bad`, `delta_bad`, `too_large` and what the source throws. */
export async function inspectPackage(source: PackageSource, trust?: PackageTrust): Promise<PackageInspection> {
  const papers = await readPapers(source);
  const { manifest, delta, digest } = papers;
  const sizes = new Map(source.entries.map(({ path, sizeBytes }) => [path, sizeBytes]));
  return {
    ...{ name: source.name, sizeBytes: source.sizeBytes, fileCount: source.entries.length },
    ...{ about: manifest.package, digest, manifest, delta },
    tiers: manifest.package.tiers.map((tier) => inspectTier(papers, tier, sizes)),
    items: inspectItems(papers, sizes),
    signature: inspectSignature(manifest, trust),
    ...inspectCustody(papers, trust),
  };
}

type Sizes = ReadonlyMap<string, number>;

function inspectTier({ manifest, delta }: PackagePapers, tier: PackageTier, sizes: Sizes): InspectedTier {
  const members = planMembers(manifest, tier, delta);
  const files = new Set(members.flatMap(filesOfPlanned));
  return {
    ...{ tier, memberCount: members.length },
    sizeBytes: members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    bytesHere: [...files].reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0),
    isComplete: missingOf(manifest, tier, delta, (path) => sizes.has(path)).length === 0,
  };
}

interface AnyItem {
  readonly path: string;
  readonly id?: string;
  readonly domain?: string;
  readonly version?: string;
  readonly size_bytes: number;
  readonly hash: string;
  readonly chunks?: number;
  readonly tiers?: readonly PackageTier[] | undefined;
}

function inspectItems({ manifest, delta }: PackagePapers, sizes: Sizes): InspectedItem[] {
  const planned = Map.groupBy(planMembers(manifest, undefined, delta), ({ section, index }) => `${section} ${index}`);
  return PACKAGE_SECTIONS.flatMap((section) =>
    ((manifest.contents[section] ?? []) as readonly AnyItem[]).map((item, index): InspectedItem => {
      const members = planned.get(`${section} ${index}`) ?? [];
      return {
        ...{ section, path: item.path, id: item.id ?? item.domain ?? item.path, version: item.version },
        ...{ sizeBytes: item.size_bytes, hash: digestOf(item.hash), fileCount: members.length, chunks: item.chunks },
        ...{ tiers: item.tiers ?? manifest.package.tiers, how: howOf(members, sizes) },
      };
    }),
  );
}

function howOf(members: readonly PlannedMember[], sizes: Sizes): InspectedItem['how'] {
  const ways = new Set(
    members.map((member) => (filesOfPlanned(member).every((path) => sizes.has(path)) ? member.how : 'missing')),
  );
  const [way = 'missing', ...others] = ways;
  return others.length === 0 ? way : 'partly';
}

function inspectSignature(manifest: PackageManifest, trust: PackageTrust | undefined): InspectedTrust {
  const said = { said: manifest.signatures ?? {}, holds: isPackageSignature(manifest) };
  if (trust === undefined) return { ...said, signer: undefined, refusal: undefined };
  const { value, refusal } = tried(() => verifyPackageSignature(manifest, trust));
  return { ...said, signer: value, refusal };
}

function inspectCustody({ custody, manifest }: PackagePapers, trust: PackageTrust | undefined) {
  const nobody = { ownMesh: undefined, trustedMeshes: [], isRevoked: () => false };
  const { value, refusal } = tried(() => verifyCustody(custody?.bytes, manifest, trust ?? nobody));
  return { custody: value ?? [], custodyRefusal: refusal };
}

function tried<T>(check: () => T): { readonly value: T | undefined; readonly refusal: Refusal | undefined } {
  try {
    return { value: check(), refusal: undefined };
  } catch (thrown) {
    if (!(thrown instanceof AtmoError)) throw thrown;
    return { value: undefined, refusal: { code: thrown.code, message: messageOf(thrown) } };
  }
}
