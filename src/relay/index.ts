/**
 * Splice relay: two nodes that cannot reach each other, joined by a third that reads nothing. The relay itself, the side of who
 * is reached through it, the side of who asks. It knows certificates by a port only. Spec: docs/spec/13-relay.md.
 */

export type { LinkState } from './kept-link.ts';
export type { RelayClientOptions } from './open-relay-tls.ts';
export { formatRelayAddress, parseRelayAddress, type RelayAddress } from './relay-address.ts';
export { RelayDialer } from './relay-dialer.ts';
export { RelayLink } from './relay-link.ts';
export { openRelayServer, type RelayServer, type RelayStats } from './relay-server.ts';
export { WsRelayHub } from './ws-relay-hub.ts';
export { WsRelayLink, type WsRelayLinkOptions } from './ws-relay-link.ts';
