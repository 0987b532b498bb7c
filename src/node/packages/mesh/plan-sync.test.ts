import { describe, expect, it } from 'vitest';
import type { NodeId, Sha256 } from '../../../core/index.ts';
import type { ModelEntry, PackageTier } from '../../../protocol/index.ts';
import { type HeardOffer, planSync, type SyncPlan, type SyncQuestion, tierToTake } from './plan-sync.ts';

const ALL: readonly PackageTier[] = ['tier_1', 'tier_2', 'tier_3'];
const [GATEWAY, EDGE] = ['gateway', 'edge'] as NodeId[] as [NodeId, NodeId];

function offer(
  version: string,
  tier: PackageTier,
  change: { id?: string; tiers?: readonly PackageTier[]; by?: NodeId[] } = {},
) {
  const { id = 'line', tiers = ALL, by = [GATEWAY] } = change;
  const heard: HeardOffer = {
    offer: { id, version, tier, tiers, manifestSha256: `manifest of ${version}` as Sha256, created: '' },
    entry: { size_bytes: 1 } as ModelEntry,
    nodeIds: by,
  };
  return heard;
}

function installed(version: string, tier = 'tier_2', id = 'line') {
  return { id, version, tier, manifestSha256: `manifest of ${version}` };
}

function plan(change: Partial<SyncQuestion>): SyncPlan[] {
  return planSync({ offers: [], installed: [], ownTier: 'tier_2', ...change });
}

function taken(plans: SyncPlan[]): string[][] {
  return plans.map((one) =>
    one.kind === 'get' ? one.candidates.map(({ offer: { version, tier } }) => `${version} ${tier}`) : [one.kind],
  );
}

describe('planSync()', () => {
  it('takes the newest version of what is installed, by the order of versions and not of letters', () => {
    const offers = [offer('1.9', 'tier_2'), offer('1.10', 'tier_2'), offer('1.2', 'tier_2')];
    expect(taken(plan({ offers, installed: [installed('1.9')] }))).toEqual([['1.10 tier_2']]);
  });

  it('tries the next newest when the newest is no good', () => {
    const offers = [offer('1.4', 'tier_2'), offer('1.5', 'tier_2'), offer('999', 'tier_2')];
    expect(taken(plan({ offers, installed: [installed('1.3')] }))).toEqual([
      ['999 tier_2', '1.5 tier_2', '1.4 tier_2'],
    ]);
  });

  it('tries what others offer before the rest of what one node says it has', () => {
    const LIAR = 'liar' as NodeId;
    const rubbish = Array.from({ length: 100 }, (_, index) => offer(`${900 + index}`, 'tier_2', { by: [LIAR] }));
    const offers = [
      ...rubbish,
      offer('1.4', 'tier_2', { by: [EDGE] }),
      offer('1.5', 'tier_2', { by: [GATEWAY, LIAR] }),
    ];
    const [versions = []] = taken(plan({ offers, installed: [installed('1.3')] }));
    expect(versions.slice(0, 4)).toEqual(['999 tier_2', '1.5 tier_2', '1.4 tier_2', '998 tier_2']);
    expect(versions).toHaveLength(16);
  });

  it('never takes an older one, also when it is asked for', () => {
    const offers = [offer('1.2', 'tier_2')];
    expect(plan({ offers, installed: [installed('1.3')] })).toEqual([
      { kind: 'older', id: 'line', version: '1.2', installed: '1.3' },
    ]);
    const asked = { offers, installed: [installed('1.3')], id: 'line', version: '1.2' };
    expect(plan(asked)[0]?.kind).toBe('older');
  });

  it('leaves alone what is not installed, unless it is named', () => {
    const offers = [offer('1.3', 'tier_2'), offer('2', 'tier_2', { id: 'other' })];
    expect(taken(plan({ offers, installed: [installed('1.2')] }))).toEqual([['1.3 tier_2']]);
    expect(taken(plan({ offers, installed: [installed('1.2')], id: 'other' }))).toEqual([['2 tier_2']]);
  });

  it('is content with the version that is here, and with other content under its name', () => {
    const other = { ...installed('1.3'), manifestSha256: 'another' };
    const offers = [offer('1.3', 'tier_2')];
    expect(taken(plan({ offers, installed: [installed('1.3')] }))).toEqual([['current']]);
    expect(taken(plan({ offers, installed: [other], tier: 'tier_1' }))).toEqual([['current']]);
  });

  it('takes the tier that is asked for, then the installed one, then what the machine can', () => {
    const offers = ALL.map((tier) => offer('1.3', tier));
    expect(taken(plan({ offers, id: 'line' }))).toEqual([['1.3 tier_2']]);
    expect(taken(plan({ offers, installed: [installed('1.2', 'tier_1')] }))).toEqual([['1.3 tier_1']]);
    expect(taken(plan({ offers, installed: [installed('1.2', 'tier_1')], tier: 'tier_3' }))).toEqual([['1.3 tier_3']]);
    expect(taken(plan({ offers, installed: [installed('1.3', 'tier_1')], tier: 'tier_3' }))).toEqual([['1.3 tier_3']]);
  });

  it('takes a lower tier where the package has no other, not where nobody offers it', () => {
    const small = offer('1.3', 'tier_1', { tiers: ['tier_1', 'tier_3'] });
    expect(taken(plan({ offers: [small], id: 'line' }))).toEqual([['1.3 tier_1']]);
    expect(plan({ offers: [offer('1.3', 'tier_1')], id: 'line' })).toEqual([
      { kind: 'other_tier', id: 'line', version: '1.3', wanted: 'tier_2', offered: ['tier_1'] },
    ]);
  });

  it('asks only the node that is named, and prefers what more nodes have', () => {
    const many = offer('1.3', 'tier_2', { by: [GATEWAY, EDGE] });
    const few = offer('1.3', 'tier_2', { by: [EDGE] });
    const question = { offers: [few, many, offer('1.4', 'tier_2', { by: [EDGE] })], id: 'line' };
    expect(taken(plan({ ...question, from: GATEWAY }))).toEqual([['1.3 tier_2']]);
    const [first] = plan({ ...question, version: '1.3' });
    expect(first?.kind === 'get' && first.candidates.map(({ nodeIds }) => nodeIds.length)).toEqual([2, 1]);
    expect(plan({ ...question, id: 'nothing' })).toEqual([{ kind: 'not_offered', id: 'nothing' }]);
  });
});

describe('tierToTake()', () => {
  it.each<[readonly PackageTier[], PackageTier, PackageTier | undefined]>([
    [ALL, 'tier_2', 'tier_2'],
    [['tier_1', 'tier_3'], 'tier_2', 'tier_1'],
    [['tier_3'], 'tier_2', undefined],
    [['tier_1'], 'tier_3', 'tier_1'],
  ])('of %j for %s is %s', (tiers, wanted, taken) => expect(tierToTake(tiers, wanted)).toBe(taken));
});
