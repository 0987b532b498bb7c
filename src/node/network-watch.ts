/** Notices that this machine has other addresses than a moment ago: a cable, another network, a VPN that went up. */
import { networkInterfaces } from 'node:os';
import { type Clock, every } from '../core/index.ts';
import { NODE_LIMITS } from './limits.ts';

/** Calls back after each change; the returned function ends it. */
export function watchNetwork(clock: Clock, onChange: () => void, read = ownAddresses): () => void {
  let known = read();
  return every(clock, NODE_LIMITS.networkLookEveryMs, () => {
    const now = read();
    const isOther = now !== known;
    known = now;
    if (isOther) onChange();
  });
}

function ownAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all
    .map(({ cidr, address }) => cidr ?? address)
    .sort()
    .join(' ');
}
