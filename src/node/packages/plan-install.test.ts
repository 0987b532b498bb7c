import { describe, expect, it } from 'vitest';
import type { Sha256 } from '../../core/index.ts';
import type { PackageRow, PackageVersion } from '../../registry/index.ts';
import { neededMembers, planCommit, planVersion, verifySpace } from './plan-install.ts';

const digest = (text: string) => Buffer.from(text).toString('hex').padEnd(64, '0') as Sha256;

function versionOf(version: string, change: Partial<PackageVersion> = {}): PackageVersion {
  const made = { createdBy: 'maker', createdAt: '2026-01-01T00:00:00Z', meshId: 'm', signer: 'm', installedAtMs: 1 };
  const what = { id: 'line', version, install: `i${version}`, manifestSha256: digest(version), tier: 'tier_2' };
  return { ...made, ...what, hasAllTiers: false, members: [], models: [], agents: [], keptConfig: [], ...change };
}

const asked = (version: string, change = {}) => ({
  ...{ id: 'line', version, manifestSha256: digest(version), tier: 'tier_2', hasAllTiers: false },
  ...{ downgradeReason: undefined, meshId: 'm', mayChangeMesh: false, ...change },
});

describe('planVersion()', () => {
  it.each([
    ['nothing is installed', asked('1.9'), undefined, 'other'],
    ['a newer one, by numbers and not by letters', asked('1.10'), versionOf('1.9'), 'other'],
    ['the very same', asked('1.9'), versionOf('1.9'), 'unchanged'],
    ['the same for another tier', asked('1.9', { tier: 'tier_1' }), versionOf('1.9'), 'again'],
    ['the same for all tiers', asked('1.9', { hasAllTiers: true }), versionOf('1.9'), 'again'],
    ['the same where all tiers are here', asked('1.9'), versionOf('1.9', { hasAllTiers: true }), 'unchanged'],
    ['an older one, as was insisted', asked('1.8', { downgradeReason: 'bad' }), versionOf('1.9'), 'downgrade'],
  ])('%s', (_about, question, installed, verdict) => {
    expect(planVersion(question, installed)).toBe(verdict);
  });

  it('refuses an older version, and other content under the same one', () => {
    expect(() => planVersion(asked('1.9'), versionOf('1.10'))).toThrow(
      expect.objectContaining({ code: 'downgrade_refused' }),
    );
    const forged = { ...asked('1.9', { downgradeReason: 'x' }), manifestSha256: digest('other') };
    expect(() => planVersion(forged, versionOf('1.9'))).toThrow(expect.objectContaining({ code: 'other_content' }));
  });
});

it('a package of another mesh never takes the place of the one in force by itself, be it newer or the same', () => {
  for (const version of ['1.8', '1.9', '99'])
    expect(() => planVersion(asked(version, { meshId: 'other' }), versionOf('1.9'))).toThrow(
      expect.objectContaining({ code: 'other_mesh', data: expect.objectContaining({ installed_mesh: 'm' }) }),
    );
  expect(planVersion(asked('99', { meshId: 'other', mayChangeMesh: true }), versionOf('1.9'))).toBe('other');
  expect(planVersion(asked('1', { meshId: 'other' }), undefined)).toBe('other');
});

describe('planCommit()', () => {
  const facts = { kind: 'import', keptConfig: [{ path: 'config/a', base64: 'aw==' }], nowMs: 9 } as const;
  const row = (current: PackageVersion, previous?: PackageVersion): PackageRow => ({
    ...{ id: 'line', install: current.install, current, previous, updatedAtMs: 1 },
  });

  it('keeps the version before with the configuration that the operator had, and gives up the one before that', () => {
    const plan = planCommit(versionOf('3'), row(versionOf('2'), versionOf('1')), facts);
    expect(plan.row).toMatchObject({
      current: { version: '3' },
      previous: { version: '2', keptConfig: facts.keptConfig },
    });
    expect(plan.released.map(({ version }) => version)).toEqual(['1']);
  });

  it('goes back by changing places, and gives nothing up', () => {
    const plan = planCommit(versionOf('1'), row(versionOf('2'), versionOf('1')), { ...facts, kind: 'rollback' });
    expect(plan.row).toMatchObject({ current: { version: '1' }, previous: { version: '2' } });
    expect(plan.released).toEqual([]);
  });

  it('leaves the way back as it is where the same version comes again', () => {
    const again = versionOf('2', { install: 'again', tier: 'tier_1' });
    const plan = planCommit(again, row(versionOf('2'), versionOf('1')), facts);
    expect(plan.row).toMatchObject({ current: { install: 'again' }, previous: { version: '1' } });
    expect(plan.released.map(({ install }) => install)).toEqual(['i2']);
  });
});

describe('what is needed', () => {
  const members = [{ tiers: undefined }, { tiers: ['tier_1'] as const }, { tiers: ['tier_2', 'tier_3'] as const }];

  it('is what the tier takes; for all tiers the rest too, told apart', () => {
    const plan = (hasAllTiers: boolean) => neededMembers(members, { tier: 'tier_1', hasAllTiers });
    expect(plan(false).map(({ member }) => members.indexOf(member))).toEqual([0, 1]);
    expect(plan(true).map(({ isOfTier }) => isOfTier)).toEqual([true, true, false]);
  });

  it('must have room, where each content counts once and what is there of it does not', () => {
    const missing = [
      { sha256: digest('a'), sizeBytes: 100 },
      { sha256: digest('a'), sizeBytes: 100 },
      { sha256: digest('b'), sizeBytes: 50 },
    ];
    const heldBytes = new Map([[digest('a'), 60]]);
    expect(() => verifySpace('x', { missing, heldBytes, freeBytes: 90 })).not.toThrow();
    expect(() => verifySpace('x', { missing, heldBytes, freeBytes: 89 })).toThrow(
      expect.objectContaining({ code: 'package_no_space', data: { neededBytes: 90, freeBytes: 89 } }),
    );
  });
});
