/** Notices that this machine has other addresses than a moment ago: a cable, another network, a VPN that went up. */
import { networkInterfaces } from 'node:os';
import type { Clock } from '../core/index.ts';
import { NODE_LIMITS } from './limits.ts';

/** Calls back after each change; the returned function ends it. */
export function watchNetwork(clock: Clock, onChange: () => void, read = ownAddresses): () => void {
  let known = read();
  let cancel = (): void => {};
  const look = (): void => {
    const now = read();
    const isOther = now !== known;
    known = now;
    cancel = clock.after(NODE_LIMITS.networkLookEveryMs, look);
    if (isOther) onChange();
  };
  cancel = clock.after(NODE_LIMITS.networkLookEveryMs, look);
  return () => cancel();
}

function ownAddresses(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all
    .map(({ cidr, address }) => cidr ?? address)
    .sort()
    .join(' ');
}
