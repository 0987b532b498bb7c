/**
 * The networks of this machine, as they come and go, for who tells and who asks. Keeps one link a network while it is open; a link
 * that fails is tried again at the next look, and a machine without any network is fine. Spec: docs/spec/24-local-network.md §1.
 */
import { type Clock, Emitter, every, type Logger, messageOf } from '../core/index.ts';
import { type LanInterface, ownInterfaces } from './interfaces.ts';
import { LAN_LIMITS } from './limits.ts';
import { Link } from './link.ts';

export interface LocalNetworkOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of multicast DNS, unless a test has one of its own. */
  readonly port?: number;
  /** The networks to be in; those of the machine without it. */
  readonly interfaces?: () => readonly LanInterface[];
}

/** Where the world does multicast DNS. */
const MULTICAST_DNS_PORT = 5353;

export class LocalNetwork implements Disposable {
  readonly clock: Clock;
  /** A link works from now on. */
  readonly opened = new Emitter<Link>();
  readonly #options: LocalNetworkOptions;
  readonly #links = new Map<string, Link>();
  readonly #working = new Set<Link>();
  readonly #stopLooking: () => void;

  constructor(options: LocalNetworkOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#look();
    this.#stopLooking = every(options.clock, LAN_LIMITS.interfaceLookEveryMs, () => this.#look());
  }

  /** Those that work. */
  links(): readonly Link[] {
    return [...this.#working];
  }

  [Symbol.dispose](): void {
    this.#stopLooking();
    for (const key of [...this.#links.keys()]) this.#drop(key);
  }

  #look(): void {
    const { interfaces = ownInterfaces } = this.#options;
    const wanted = new Map(interfaces().map((network) => [`${network.address}/${network.prefixBits}`, network]));
    for (const key of [...this.#links.keys()]) if (!wanted.has(key)) this.#drop(key);
    for (const [key, network] of wanted) if (!this.#links.has(key)) this.#open(key, network);
  }

  #open(key: string, network: LanInterface): void {
    const { port = MULTICAST_DNS_PORT, logger } = this.#options;
    const link = new Link({
      ...{ network, port },
      onReady: () => {
        if (this.#links.get(key) !== link) return;
        this.#working.add(link);
        this.opened.emit(link);
      },
      onFailure: (error) => {
        logger.debug({ address: network.address, reason: messageOf(error) }, 'no multicast DNS on a network now');
        this.#drop(key);
      },
    });
    this.#links.set(key, link);
  }

  #drop(key: string): void {
    const link = this.#links.get(key);
    if (link === undefined) return;
    this.#links.delete(key);
    this.#working.delete(link);
    link.close();
  }
}
