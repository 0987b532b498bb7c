/** The networks that this machine is in, as far as multicast goes. */
import { BlockList } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { LAN_LIMITS } from './limits.ts';

export interface LanInterface {
  /** IPv4, of this machine. */
  readonly address: string;
  readonly prefixBits: number;
}

/** One address of each network; the loopback interface where there is no other, for nodes that share a machine. */
export function ownInterfaces(read: typeof networkInterfaces = networkInterfaces): LanInterface[] {
  const all = Object.values(read()).flatMap((addresses) => addresses?.filter(({ family }) => family === 'IPv4') ?? []);
  const outer = all.filter(({ internal }) => !internal);
  return (outer.length > 0 ? outer : all).map(toInterface).slice(0, LAN_LIMITS.interfaces);
}

function toInterface({ address, cidr }: NetworkInterfaceInfo): LanInterface {
  return { address, prefixBits: Number(cidr?.split('/')[1] ?? 32) };
}

/** Whether an address is of the same network: a word from elsewhere does not count (RFC 6762 §11). */
export function onLinkCheck({ address, prefixBits }: LanInterface): (from: string) => boolean {
  const network = new BlockList();
  network.addSubnet(address, prefixBits, 'ipv4');
  return (from) => from === address || network.check(from, 'ipv4');
}
