/**
 * Splice relay: two nodes that cannot reach each other, joined by a third that reads nothing. The relay itself, the side of who
 * is reached through it, the side of who asks. It knows certificates by a port only. Spec: docs/spec/13-relay.md.
 */
export { mayRelay, type RelayClientOptions } from './control-client.ts';
export { RelayError, type RelayErrorCode } from './errors.ts';
export type { RelayIdentity, UsageOfDay, UsageStore, VerifyMember } from './ports.ts';
export { DEFAULT_RELAY_PORT, formatRelayAddress, parseRelayAddress, type RelayAddress } from './relay-address.ts';
export { RelayDialer, type RelayedWay } from './relay-dialer.ts';
export { RelayLink, type RelayLinkOptions } from './relay-link.ts';
export { openRelayServer, type RelayServer, type RelayServerOptions, type RelayStats } from './relay-server.ts';
export { WsRelayHub, type WsRelayHubOptions } from './ws-relay-hub.ts';
export { WsRelayLink, type WsRelayLinkOptions } from './ws-relay-link.ts';
