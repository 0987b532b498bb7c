/** What the mesh offers of packages now, and waiting for more of it. Spec: docs/spec/24-local-network.md §6. */
import type { Clock, NodeId } from '../../../core/index.ts';
import type { ModelCatalog } from '../../../registry/index.ts';
import { readPackageEntry, withTier } from './package-offer.ts';
import type { HeardOffer } from './plan-sync.ts';

/** Entries that do not say which package they are, are left out. */
export function heardOffers(catalog: Pick<ModelCatalog, 'getAllPackages'>): HeardOffer[] {
  return catalog.getAllPackages().flatMap(({ entry, nodes }) => {
    const nodeIds = nodes.map(({ nodeId }) => nodeId);
    return readPackageEntry(entry).map((offer) => ({ offer, entry: withTier(entry, offer.tier), nodeIds }));
  });
}

export interface OffersWait {
  readonly catalog: Pick<ModelCatalog, 'events' | 'getAllPackages' | 'getNodes'>;
  readonly clock: Clock;
  readonly patienceMs: number;
}

/** Who was promised to offer what; without packages, only that it is heard of. */
export interface Promised {
  readonly nodeId: NodeId;
  readonly packages: readonly { readonly id: string; readonly version: string }[];
}

/** Resolves when all of it is heard, or when the patience is over: says who of them kept nothing of its promise. */
export async function awaitOffers(
  promised: readonly Promised[],
  { catalog, clock, patienceMs }: OffersWait,
  signal: AbortSignal,
): Promise<readonly NodeId[]> {
  const open = (): NodeId[] => promised.filter((one) => !isKept(one, catalog)).map(({ nodeId }) => nodeId);
  if (open().length === 0) return [];
  await new Promise<void>((resolve) => {
    const end = (): void => {
      stop();
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const stop = catalog.events.on(() => {
      if (open().length === 0) end();
    });
    const cancel = clock.after(patienceMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
  return open();
}

function isKept({ nodeId, packages }: Promised, catalog: OffersWait['catalog']): boolean {
  if (!catalog.getNodes().some((node) => node.nodeId === nodeId)) return false;
  if (packages.length === 0) return true;
  const offers = heardOffers(catalog).filter(({ nodeIds }) => nodeIds.includes(nodeId));
  return packages.every(({ id, version }) => offers.some(({ offer }) => offer.id === id && offer.version === version));
}
