import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { httpAddresses } from './announcer.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['127.0.0.1', '127.0.0.1'],
  ['2001:db8::7', '[2001:db8::7]'],
])('httpAddresses(%s) is that address, as it stands in a URL', (host, address) => {
  expect(httpAddresses(host)).toEqual([address]);
});

test.each(['0.0.0.0', '::'])(
  'httpAddresses(%s) names every address that another machine can use, and no other',
  (host) => {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const own = all.filter(({ internal, family }) => !internal && (family === 'IPv4' || host === '::'));
    const told = httpAddresses(host);
    expect(told.length).toBeGreaterThan(0);
    expect(told.every((address) => URL.canParse(`https://${address}:1/`))).toBe(true);
    const usable = own.filter(({ scopeid }) => !scopeid).map(({ address }) => address);
    expect(told.map((address) => address.replace(/^\[|\]$/g, ''))).toEqual(usable.length > 0 ? usable : ['127.0.0.1']);
  },
);
