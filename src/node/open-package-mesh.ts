/** Packages between this node and others: what it offers, shows on the local network, and gets. Spec: docs/spec/24-local-network.md. */
import type { NodeParts } from './control/parts.ts';
import { PackageBeacon } from './packages/mesh/package-beacon.ts';
import { PackageOffers } from './packages/mesh/package-offers.ts';
import { PackageSink } from './packages/mesh/package-sink.ts';
import type { Surroundings } from './surroundings.ts';

export interface PackageMesh extends Pick<NodeParts, 'packageSink'> {
  /** Packages are open: from now on the mesh hears of them. Resolves when what is offered is known. */
  startOffering(): Promise<void>;
  /** HTTP listens: a gateway is shown to the local network. */
  startShowing(httpPort: number): void;
}

/** What is opened after it, and asked for when it is needed. */
export type LaterParts = Pick<NodeParts, 'packages' | 'packageTrust'>;

export function openPackageMesh(
  { config, name, registry, store, clock, logger }: Surroundings,
  { mesh, catalog, library, offers }: Pick<NodeParts, 'mesh' | 'catalog' | 'library' | 'offers'>,
  later: () => LaterParts,
  stack: AsyncDisposableStack,
): PackageMesh {
  const packageSink = new PackageSink({
    ...{ models: library, store },
    packages: () => later().packages,
    judge: () => later().packageTrust,
    nameOf: (nodeId) => catalog.getNodes().find((node) => node.nodeId === nodeId)?.name ?? nodeId,
  });
  return {
    packageSink,
    async startOffering() {
      const { pieceLists } = registry;
      const installed = later().packages;
      const around = { installed, store, pieceLists, book: offers, self: mesh.nodeId, logger };
      await stack.use(new PackageOffers(around)).refresh();
    },
    startShowing(httpPort) {
      if (!config.mdns) return;
      const always = config.advertisePackages ?? false;
      stack.use(new PackageBeacon({ mesh, book: offers, name, httpPort, always, clock, logger }));
    },
  };
}
