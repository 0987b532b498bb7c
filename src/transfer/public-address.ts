/** Which addresses belong to everybody. A redirect must not make this node ask its own network. Spec: 10-transfer.md §10. */
import { BlockList, isIP } from 'node:net';

/** IANA's special-purpose registries: this host, private, shared, link-local, documentation, benchmarks, multicast, reserved. */
const SPECIAL_V4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Those, and what carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo): nobody needs them to reach a mirror. */
const SPECIAL_V6: readonly [string, number][] = [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
];

const v4 = new BlockList();
const v6 = new BlockList();
for (const [network, bits] of SPECIAL_V4) v4.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of SPECIAL_V6) v6.addSubnet(network, bits, 'ipv6');

/** False for what is no IP address too. */
export function isPublicAddress(address: string): boolean {
  const [plain = ''] = address.split('%');
  const family = isIP(plain);
  if (family === 0) return false;
  return family === 4 ? !v4.check(plain, 'ipv4') : !v6.check(plain, 'ipv6');
}

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
