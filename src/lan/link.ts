/**
 * Multicast DNS on one network of this machine. One socket a network, for a socket that is in several sends on one of them only;
 * it shares the port with whoever has it (avahi-daemon, other nodes). Nothing that happens to it is thrown.
 */
import type { RemoteInfo } from 'node:dgram';
import makeMdns from 'multicast-dns';
import { Emitter } from '../core/index.ts';
import type { HeardPacket, OutgoingPacket } from './dns.ts';
import { type LanInterface, onLinkCheck } from './interfaces.ts';
import { LAN_LIMITS } from './limits.ts';

export interface HeardFrom {
  readonly address: string;
  readonly port: number;
}

export interface LinkEvent {
  readonly kind: 'query' | 'response';
  readonly packet: HeardPacket;
  readonly from: HeardFrom;
}

export interface LinkOptions {
  readonly network: LanInterface;
  /** Of multicast DNS: 5353. */
  readonly port: number;
  /** The socket works now. */
  readonly onReady: () => void;
  /** It does not, and is closed. */
  readonly onFailure: (error: Error) => void;
}

export class Link {
  readonly network: LanInterface;
  readonly events = new Emitter<LinkEvent>();
  readonly #mdns: ReturnType<typeof makeMdns>;
  readonly #port: number;
  #isClosed = false;

  constructor({ network, port, onReady, onFailure }: LinkOptions) {
    this.network = network;
    this.#port = port;
    const isOnLink = onLinkCheck(network);
    // Bound to the address of the network itself it would hear no multicast.
    this.#mdns = makeMdns({ interface: network.address, bind: '0.0.0.0', port, reuseAddr: true });
    this.#mdns.on('ready', onReady);
    this.#mdns.on('error', (error) => {
      this.close();
      onFailure(error);
    });
    this.#mdns.on('warning', () => {});
    for (const kind of ['query', 'response'] as const)
      this.#mdns.on(kind, (packet: unknown, from: RemoteInfo) => {
        if (!this.#isClosed && isOnLink(from.address)) this.events.emit({ kind, packet: shortened(packet), from });
      });
  }

  /** Where answers to the whole network come from. */
  get port(): number {
    return this.#port;
  }

  ask(packet: OutgoingPacket): void {
    this.#send('query', packet);
  }

  /** To the whole network, or with `to` to one asker. Resolves when it is on its way, or cannot be. */
  tell(packet: OutgoingPacket, to?: HeardFrom): Promise<void> {
    return this.#send('response', packet, to);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#mdns.destroy();
  }

  /** A network that went away is no failure of whoever speaks: the next look at the networks finds out. */
  #send(kind: 'query' | 'response', packet: OutgoingPacket, to?: HeardFrom): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const outgoing = packet as never;
    const target = to === undefined ? undefined : { address: to.address, port: to.port };
    if (kind === 'query') this.#mdns.query(outgoing, () => resolve());
    else if (target === undefined) this.#mdns.respond(outgoing, () => resolve());
    else this.#mdns.respond(outgoing, target, () => resolve());
    return promise;
  }
}

/** No more of a packet than is looked at. */
function shortened(packet: unknown): HeardPacket {
  const { id, questions, answers, additionals } = packet as HeardPacket;
  const most = LAN_LIMITS.recordsPerPacket;
  return {
    id,
    questions: (questions ?? []).slice(0, most),
    answers: (answers ?? []).slice(0, most),
    additionals: (additionals ?? []).slice(0, most),
  };
}
