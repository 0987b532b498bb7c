/**
 * This node and splice relays: asking others through them, being reached through them, being one. Spec: docs/spec/13-relay.md.
 * Another certificate of this node, or another mesh, begins every control connection anew; a revoked member loses its own.
 */
import type { Socket } from 'node:net';
import { DAEMON_DEFAULTS } from '../api/index.ts';
import type { Mesh } from '../mesh/index.ts';
import {
  formatRelayAddress,
  type LinkState,
  openRelayServer,
  parseRelayAddress,
  type RelayAddress,
  type RelayClientOptions,
  RelayDialer,
  RelayLink,
  type RelayServer,
  WsRelayLink,
  type WsRelayLinkOptions,
} from '../relay/index.ts';
import { readMember } from './open-mesh-parts.ts';
import type { Surroundings } from './surroundings.ts';
import type { TlsKeeper } from './tls-keeper.ts';

export interface Relaying {
  /** Ways to others. */
  readonly dialer: RelayDialer;
  /** The relay that this node is, if it is one. */
  readonly server: RelayServer | undefined;
  /** Registers at the relays of the configuration; `take` gets whoever comes that way, from elsewhere whatever the address. */
  openLinks(take: (socket: Socket) => void): AsyncDisposable;
  /** How the links stand: by which relays this node can be reached. */
  linkStates(): readonly (LinkState & { readonly kind: 'splice' | 'websocket' })[];
  /** Relays of WebSockets, `host:port`. */
  readonly wsRelays: readonly string[];
  /** The same over WebSockets (14-websocket §6): `serve` answers what such a relay asks. */
  openWsLinks(serve: WsRelayLinkOptions['onSocket']): AsyncDisposable;
}

type RelayingOptions = Pick<Surroundings, 'config' | 'registry' | 'clock' | 'logger'> & {
  readonly mesh: Mesh;
  readonly tls: TlsKeeper;
};

const USAGE_KEY = 'relay_usage';

/** Throws RelayError `bad_address`, `port_in_use`, `cannot_listen`. */
export async function openRelaying(options: RelayingOptions, stack: AsyncDisposableStack): Promise<Relaying> {
  const { config, mesh, tls, clock, logger } = options;
  const client: RelayClientOptions = {
    identity: () => tls.current,
    verifyMember: (certificateDer) => readMember(mesh, clock, certificateDer),
    clock,
  };
  const addresses = (config.relays ?? []).map((text) => parseRelayAddress(text));
  const dialer = stack.use(new RelayDialer(client));
  const server = await openServer(options, client);
  if (server !== undefined) stack.use(server);
  const links = new Set<RelayLink | WsRelayLink>();
  const wsAddresses = (config.wsRelays ?? []).map((text) => parseRelayAddress(text, DAEMON_DEFAULTS.httpPort));
  stack.defer(
    tls.renewals.on(() => {
      for (const one of [dialer, ...links]) one.reconnect();
    }),
  );
  return {
    ...{ dialer, server, wsRelays: wsAddresses.map(formatRelayAddress) },
    linkStates: () =>
      [...links].map((link) => ({ ...link.state, kind: link instanceof RelayLink ? 'splice' : 'websocket' })),
    openLinks: (take) =>
      openAll(links, addresses, (address) => new RelayLink({ ...client, address, onConnection: take, logger })),
    openWsLinks: (serve) =>
      openAll(links, wsAddresses, (address) => new WsRelayLink({ ...client, address, onSocket: serve, logger })),
  };
}

/** Starts one link an address; `known` has them from then on. */
function openAll<Link extends RelayLink | WsRelayLink>(
  known: Set<RelayLink | WsRelayLink>,
  addresses: readonly RelayAddress[],
  make: (address: RelayAddress) => Link,
): AsyncDisposable {
  const links = addresses.map(make);
  for (const link of links) {
    known.add(link);
    link.start();
  }
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(links.map((link) => link[Symbol.asyncDispose]()));
    },
  };
}

async function openServer(options: RelayingOptions, client: RelayClientOptions): Promise<RelayServer | undefined> {
  const { config, mesh, tls, registry, logger } = options;
  if (config.spliceRelay === undefined) return undefined;
  const { settings } = registry;
  const server = await openRelayServer({
    ...{ ...client, ...config.spliceRelay, logger },
    usage: { load: () => settings.get(USAGE_KEY), save: (usage) => settings.set(USAGE_KEY, usage) },
  });
  tls.renewals.on(() => server.renewIdentity());
  mesh.membershipEvents.on(() => server.disconnectAll());
  mesh.recordEvents.on((event) => {
    if (event.type === 'revoked') server.disconnectMember(event.nodeId);
  });
  return server;
}
