/**
 * Shows the packages of this node to the local network, while it is a gateway or its owner wants it. Private by default: any other node
 * shows nothing. Spec: docs/spec/24-local-network.md §2.
 */
import type { Clock, Logger } from '../../../core/index.ts';
import { type Advertisement, advertise, LocalNetwork, type LocalNetworkOptions } from '../../../lan/index.ts';
import type { Mesh } from '../../../mesh/index.ts';
import { compareVersions } from '../../../protocol/index.ts';
import { type GatewayFacts, type ShownPackage, suffixOf, toService } from './gateway-claim.ts';
import type { OfferBook } from './offer-book.ts';

export interface PackageBeaconOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'meshId' | 'role' | 'addresses' | 'membershipEvents'>;
  readonly book: OfferBook;
  readonly name: string;
  /** Where blobs are served. */
  readonly httpPort: number;
  /** Whatever the role. */
  readonly always: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Other networks than the machine's, for tests. */
  readonly network?: Pick<LocalNetworkOptions, 'port' | 'interfaces'>;
}

export class PackageBeacon implements AsyncDisposable {
  readonly #options: PackageBeaconOptions;
  readonly #stops: (() => void)[];
  #shown: { readonly network: LocalNetwork; readonly advertisement: Advertisement } | undefined;
  #ending: Promise<void> = Promise.resolve();

  constructor(options: PackageBeaconOptions) {
    this.#options = options;
    const look = (): void => this.#look();
    this.#stops = [options.mesh.membershipEvents.on(look), options.book.changes.on(look)];
    this.#look();
  }

  /** Under which name; undefined while nothing is shown. */
  get instance(): string | undefined {
    return this.#shown?.advertisement.instance;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#hide();
    await this.#ending;
  }

  #look(): void {
    const { mesh, always, clock, logger, network: where = {} } = this.#options;
    if (!always && mesh.role !== 'gateway') {
      this.#hide();
      return;
    }
    const service = toService(this.#facts());
    if (this.#shown !== undefined) {
      this.#shown.advertisement.change(service);
      return;
    }
    const network = new LocalNetwork({ clock, logger, ...where });
    this.#shown = { network, advertisement: advertise(network, service, { suffix: suffixOf(mesh.nodeId) }) };
  }

  #hide(): void {
    const shown = this.#shown;
    this.#shown = undefined;
    if (shown === undefined) return;
    const { network, advertisement } = shown;
    const end = async (): Promise<void> => {
      await advertisement[Symbol.asyncDispose]();
      network[Symbol.dispose]();
    };
    this.#ending = this.#ending.then(end);
  }

  #facts(): GatewayFacts {
    const { mesh, name, httpPort, book } = this.#options;
    const { nodeId, meshId } = mesh;
    return { nodeId, meshId, name, httpPort, meshPort: tcpPortOf(mesh.addresses()), packages: shownOf(book) };
  }
}

/** The newest version of each, by id. */
function shownOf(book: OfferBook): ShownPackage[] {
  const newest = new Map<string, string>();
  for (const { model_id, version } of book.entries()) {
    const known = newest.get(model_id);
    if (known === undefined || compareVersions(version, known) > 0) newest.set(model_id, version);
  }
  return [...newest].map(([id, version]) => ({ id, version })).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Of the first plain TCP address: `/ip4/10.0.0.1/tcp/14346`. */
function tcpPortOf(addresses: readonly string[]): number | undefined {
  for (const address of addresses) {
    const port = /^\/ip4\/[^/]+\/tcp\/([0-9]+)$/.exec(address)?.[1];
    if (port !== undefined) return Number(port);
  }
  return undefined;
}
