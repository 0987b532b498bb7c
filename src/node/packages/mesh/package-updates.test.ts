import { describe, expect, it } from 'vitest';
import { Emitter, type NodeId, type Sha256 } from '../../../core/index.ts';
import { type ModelEntry, PACKAGE_FORMAT, PACKAGE_TYPE, type PackageTier } from '../../../protocol/index.ts';
import type { CatalogEvent, CatalogNodeView, ModelVariant } from '../../../registry/index.ts';
import { VirtualClock } from '../../../testkit/virtual-clock.ts';
import type { GatewayClaim } from './gateway-claim.ts';
import { awaitOffers, heardOffers } from './heard-offers.ts';
import { planUpdates } from './package-updates.ts';
import type { HeardOffer } from './plan-sync.ts';

const [GATEWAY, EDGE] = ['gateway', 'edge'] as NodeId[] as [NodeId, NodeId];

function entry(version: string, fits: PackageTier[] = ['tier_1'], change: object = {}): ModelEntry {
  const about = { manifest_sha256: 'a'.repeat(64), fits, tiers: ['tier_1', 'tier_2', 'tier_3'], created: '' };
  const base = {
    model_id: 'line',
    version,
    type: PACKAGE_TYPE,
    format: PACKAGE_FORMAT,
    file_count: 3,
    sha256: version,
  };
  return { ...base, metadata: { ...about, ...change } } as unknown as ModelEntry;
}

function catalogOf(...entries: readonly ModelEntry[]) {
  const events = new Emitter<CatalogEvent>();
  const variants = entries.map((one) => ({ entry: one, nodes: [{ nodeId: GATEWAY }] }) as unknown as ModelVariant);
  const known: CatalogNodeView[] = [];
  return {
    ...{ events, variants, known },
    getAllPackages: () => variants,
    getNodes: () => known,
    hear(one?: ModelEntry) {
      known.push({ nodeId: GATEWAY } as CatalogNodeView);
      if (one !== undefined) variants.push({ entry: one, nodes: [{ nodeId: GATEWAY }] } as unknown as ModelVariant);
      events.emit({ type: 'changed', nodeId: GATEWAY, added: 1, removed: 0 });
    },
  };
}

function claim(packages: GatewayClaim['packages'], nodeId = EDGE): GatewayClaim {
  return { nodeId, name: 'claims', packages, packageCount: packages.length } as unknown as GatewayClaim;
}

describe('planUpdates()', () => {
  const installed = [{ id: 'line', version: '1.3', tier: 'tier_1', manifestSha256: 'b' }];
  const offers: HeardOffer[] = heardOffers(catalogOf(entry('1.10', ['tier_1', 'tier_2']), entry('1.2')));

  it('says what is newer, by the order of versions, with the tiers that can be had', () => {
    const rows = planUpdates({ offers, claims: [], installed, ownTier: 'tier_3' });
    expect(rows.map(({ version, isNewer, tiers, tier }) => [version, isNewer, tiers, tier])).toEqual([
      ['1.10', true, ['tier_1', 'tier_2'], 'tier_1'],
      ['1.2', false, ['tier_1'], 'tier_1'],
    ]);
  });

  it('tells claims of the local network from what the mesh offers', () => {
    const claims = [claim([{ id: 'line', version: '1.10' }]), claim([{ id: 'line', version: '99' }])];
    const rows = planUpdates({ offers, claims, installed, ownTier: 'tier_3' });
    expect(
      rows.map(({ version, meshNodes, lanNodes, offer }) => [
        version,
        meshNodes.length,
        lanNodes.length,
        offer === undefined,
      ]),
    ).toEqual([
      ['99', 0, 1, true],
      ['1.10', 1, 1, false],
      ['1.2', 1, 0, false],
    ]);
  });

  it('names no offer where nobody has the tier that this machine takes', () => {
    const [row] = planUpdates({ offers, claims: [], installed: [], ownTier: 'tier_3' });
    expect([row?.tier, row?.offer, row?.installedVersion]).toEqual(['tier_3', undefined, undefined]);
  });
});

describe('heardOffers()', () => {
  it.each([
    ['a tier that there is none of', entry('1', ['tier_9' as PackageTier])],
    ['a digest that is none', entry('1', ['tier_1'], { manifest_sha256: '../x' })],
    ['an id that would leave its folder', { ...entry('1'), model_id: 'org/line' as ModelEntry['model_id'] }],
    ['a version that would', { ...entry('1'), version: 'current' }],
    ['a file where a list belongs', { ...entry('1'), file_count: undefined }],
    ['the type of a model', { ...entry('1'), type: 'llm' as const }],
  ])('leaves out an entry with %s', (_what, one) => expect(heardOffers(catalogOf(one as ModelEntry))).toEqual([]));

  it('is an offer for each tier that takes the files', () => {
    const offers = heardOffers(catalogOf(entry('1', ['tier_2', 'tier_3'])));
    expect(offers.map(({ offer, entry: one }) => [offer.tier, one.metadata.tier])).toEqual([
      ['tier_2', 'tier_2'],
      ['tier_3', 'tier_3'],
    ]);
    expect(offers[0]?.offer.manifestSha256).toBe('a'.repeat(64) as Sha256);
  });
});

describe('awaitOffers()', () => {
  const promised = [{ nodeId: GATEWAY, packages: [{ id: 'line', version: '1.4' }] }];
  const never = new AbortController().signal;

  it('goes on when what was shown is heard of', async () => {
    const catalog = catalogOf();
    const waiting = awaitOffers(promised, { catalog, clock: new VirtualClock(), patienceMs: 1000 }, never);
    catalog.hear(entry('1.3'));
    catalog.hear(entry('1.4'));
    expect(await waiting).toEqual([]);
  });

  it('does not wait for ever for a gateway that shows what it has not', async () => {
    const [catalog, clock] = [catalogOf(), new VirtualClock()];
    const waiting = awaitOffers(promised, { catalog, clock, patienceMs: 1000 }, never);
    catalog.hear(entry('1.3'));
    await clock.advance(1000);
    expect(await waiting).toEqual([GATEWAY]);
  });

  it('ends with its signal', async () => {
    const abort = new AbortController();
    const waiting = awaitOffers(
      promised,
      { catalog: catalogOf(), clock: new VirtualClock(), patienceMs: 1e9 },
      abort.signal,
    );
    abort.abort();
    expect(await waiting).toEqual([GATEWAY]);
  });
});
