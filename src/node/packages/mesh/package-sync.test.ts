import { expect, test } from 'vitest';
import { type NodeId, silentLogger, systemClock } from '../../../core/index.ts';
import type { PackageTier } from '../../../protocol/index.ts';
import type { ModelVariant } from '../../../registry/index.ts';
import { type OfferedFiles, toPackageEntry } from './package-offer.ts';
import { type SyncDeps, type SyncOrder, syncPackages } from './package-sync.ts';

function offered(id: string, version: string, tier: PackageTier): ModelVariant {
  const about = { id, version, tiers: ['tier_1', 'tier_2'] as const, created: '' };
  const manifestSha256 = 'a'.repeat(64) as never;
  const entry = toPackageEntry({ ...about, manifestSha256 }, [tier], { fileCount: 3 } as OfferedFiles);
  return { entry, nodes: [{ nodeId: 'gateway' as NodeId }] } as unknown as ModelVariant;
}

const OFFERS = [offered('line-inspection', '1.2', 'tier_1'), offered('line-inspection', '1.10', 'tier_1')];

/** Of a node that hears nobody on its networks: it has none. */
async function sync(order: Partial<SyncOrder>, { mdns = true, offers = OFFERS } = {}): Promise<void> {
  const deps = {
    ...{ catalog: { getAllPackages: () => offers }, packages: { list: () => [] }, ownTier: () => 'tier_2', mdns },
    ...{ network: { interfaces: () => [] }, clock: systemClock, logger: silentLogger, mesh: { nodeId: 'own' } },
  } as unknown as SyncDeps;
  const events = syncPackages(deps, { discover: false, waitMs: 1, ...order }, AbortSignal.timeout(20_000));
  for await (const event of events) expect(event).toBeUndefined();
}

test('that hears no gateway says so, and whether this node was told to keep off the local network', async () => {
  await expect(sync({ discover: true })).rejects.toMatchObject({
    message: 'Looking for a gateway: none of this mesh was heard in 0.001 s',
  });
  await expect(sync({ discover: true }, { mdns: false })).rejects.toMatchObject({
    code: 'no_gateway',
    message: expect.stringContaining('started with --no-mdns'),
  });
});

test('of a package that nobody offers names the nearest, or the versions that there are', async () => {
  const isRefused = (message: string) => ({ code: 'package_not_offered', message: expect.stringContaining(message) });
  await expect(sync({ id: 'line-inspektion' })).rejects.toMatchObject(isRefused('there is line-inspection'));
  await expect(sync({ id: 'line-inspection', version: '3' })).rejects.toMatchObject(isRefused('offered is 1.2, 1.10'));
  await expect(sync({ id: 'line' }, { offers: [] })).rejects.toMatchObject(isRefused('nor any other package'));
});

test('of a tier that nobody offers says what gets the one that is offered', async () => {
  await expect(sync({ id: 'line-inspection' })).rejects.toMatchObject({
    code: 'package_not_offered',
    data: { try: 'atmosphere package sync line-inspection --discover --tier tier_1' },
  });
});
