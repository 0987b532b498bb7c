import { expect, test } from 'vitest';
import { formatRelayAddress, parseRelayAddress } from './relay-address.ts';

test.each([
  ['relay.example', 'relay.example', 4303],
  ['relay.example:443', 'relay.example', 443],
  ['10.0.0.7:1', '10.0.0.7', 1],
  ['[2001:db8::7]', '2001:db8::7', 4303],
  ['[2001:db8::7]:65535', '2001:db8::7', 65_535],
])('parseRelayAddress() reads %s', (text, host, port) => {
  expect(parseRelayAddress(text)).toEqual({ host, port });
  expect(parseRelayAddress(formatRelayAddress({ host, port }))).toEqual({ host, port });
});

test.each([
  '',
  ':1',
  'a:0',
  'a:65536',
  'a:1:2',
  '::1',
  '[a.b]:1',
  '[::1',
  'a b',
  'http://a',
  'user@a',
  'a/b',
  'a'.repeat(300),
])('parseRelayAddress() refuses %s', (text) =>
  expect(() => parseRelayAddress(text)).toThrow(expect.objectContaining({ code: 'bad_address' })),
);
