/** Multiaddrs between libp2p and us: ours name no peer at their end, libp2p's do. */
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { NodeId } from '../../core/index.ts';
import { MESH_LIMITS } from '../limits.ts';

/** `/ip4/10.0.0.2/tcp/4001/p2p/12D3…` → without the last `/p2p/…`; the relay's in a circuit address stays. */
export function withoutPeer(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/, '');
}

/** Addresses that can be dialled, pinned to the peer; those that do not parse are left out. A peer controls them. */
export function toDialable(nodeId: NodeId, addresses: readonly string[]): Multiaddr[] {
  return addresses.slice(0, MESH_LIMITS.addressesPerPeer).flatMap((address) => {
    try {
      const parsed = multiaddr(`${withoutPeer(address)}/p2p/${nodeId}`);
      return isUnspecified(address) ? [] : [parsed];
    } catch {
      return [];
    }
  });
}

/** What to tell others: where somebody else can reach us first, loopback (for processes on this machine) last. */
export function inTellingOrder(addresses: readonly string[]): string[] {
  const told = [...new Set(addresses)].filter((address) => !isUnspecified(address));
  return told.toSorted((a, b) => rank(a) - rank(b));
}

function rank(address: string): number {
  if (isLoopback(address)) return 3;
  if (isRelayed(address)) return 2;
  return address.startsWith('/ip4/') || address.startsWith('/dns') ? 0 : 1;
}

/** Through another node's relay. */
export function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit');
}

function isLoopback(address: string): boolean {
  return /^\/ip4\/127\.|^\/ip6\/::1\//.test(address);
}

function isUnspecified(address: string): boolean {
  return /^\/ip4\/0\.0\.0\.0\/|^\/ip6\/::\//.test(address);
}

/** Every peer here has an Ed25519 key: others fail admission, because no certificate names them. */
export function toNodeId(peerId: { toString(): string }): NodeId {
  return peerId.toString() as NodeId;
}
