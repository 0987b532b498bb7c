/**
 * The tier that an import takes: what the machine or its owner wants, and of what was given and what the store has, one that is whole.
 * Spec: docs/spec/21-packages.md §5.
 */
import { type ChosenTier, chooseTier, type PackagePapers, type PackageSource } from '../../atmo/index.ts';
import type { Sha256 } from '../../core/index.ts';
import { compareTiers, membersOfTier, type PackageMember, type PackageTier } from '../../protocol/index.ts';
import { PackageError } from './errors.ts';

export interface TierQuestion {
  readonly papers: Pick<PackagePapers, 'manifest' | 'delta'>;
  readonly source: Pick<PackageSource, 'entries'>;
  readonly stat: (sha256: Sha256) => Promise<unknown>;
  /** What the order says; nothing else is taken in its place for being whole. */
  readonly asked: PackageTier | undefined;
  readonly ownTier: PackageTier;
}

/** Throws AtmoError `tier_missing`, PackageError `content_missing` which names a tier that is whole, where there is one. */
export async function takeTier(question: TierQuestion): Promise<ChosenTier> {
  const { papers, asked, ownTier } = question;
  const chosen = chooseTier(papers.manifest.package.tiers, asked ?? ownTier);
  const missing = await firstMissing(chosen.tier, question);
  if (missing === undefined) return chosen;
  const others = await wholeTiers(question);
  const lower = others.findLast((tier) => compareTiers(tier, chosen.tier) < 0);
  if (asked !== undefined || lower === undefined) throw contentMissing(missing, chosen.tier, lower ?? others[0]);
  const note = `${chosen.tier} is not whole in what was given (${missing.path} is not there); ${lower} is the next lower one that is`;
  return { tier: lower, note };
}

/** From the smallest on. */
async function wholeTiers(question: TierQuestion): Promise<PackageTier[]> {
  const whole: PackageTier[] = [];
  for (const tier of question.papers.manifest.package.tiers)
    if ((await firstMissing(tier, question)) === undefined) whole.push(tier);
  return whole.toSorted(compareTiers);
}

/** The first member that neither comes, whole or as a difference, nor is here already. */
async function firstMissing(
  tier: PackageTier,
  { papers, source, stat }: TierQuestion,
): Promise<PackageMember | undefined> {
  const coming = new Set(source.entries.map(({ path }) => path));
  for (const { path, how } of papers.delta?.members ?? []) if (how === 'difference') coming.add(path);
  for (const member of membersOfTier(papers.manifest, tier))
    if (!coming.has(member.path) && (await stat(member.sha256)) === undefined) return member;
  return undefined;
}

function contentMissing({ path, sha256 }: PackageMember, tier: PackageTier, whole: PackageTier | undefined) {
  const told = whole === undefined ? 'and no other tier is whole' : `${whole} is whole`;
  return new PackageError(
    'content_missing',
    `Installing ${tier}: ${path} is neither in the package nor on this machine; ${told}`,
    {
      data: {
        ...{ path, sha256, tier },
        ...(whole === undefined ? {} : { whole, try: `atmosphere package import FILE --tier ${whole}` }),
      },
    },
  );
}
