import { expect, test } from 'vitest';
import { parseByteRate, parseRelay } from './parse-values.ts';
import { toDaemonConfig } from './up-config.ts';

const AROUND = { home: '/home/of/it', cwd: '/', env: {} };

test.each(['relay.example', 'relay.example:4303', '10.0.0.7:1', '[2001:db8::7]', '[2001:db8::7]:65535', 'r'])(
  'parseRelay() takes %s',
  (text) => expect(parseRelay(text)).toBe(text),
);

test.each([
  '',
  ':4303',
  'relay:0',
  'relay:65536',
  'relay:port',
  '2001:db8::7',
  'http://relay:1',
  'a b',
  `${'a'.repeat(300)}`,
])('parseRelay() refuses %s', (text) =>
  expect(() => parseRelay(text)).toThrow(expect.objectContaining({ code: 'bad_usage' })),
);

test.each([
  ['50MB', 50e6],
  ['50MB/s', 50e6],
  ['400Mbps', 50e6],
  ['400 Mbit/s', 50e6],
  ['2MiB/s', 2 * 1024 * 1024],
])('a rate of %s is %d bytes a second', (text, bytes) => expect(parseByteRate(text)).toBe(bytes));

test.each(['fast', '50MBps', '0Mbps', '-1Mbps', '5Mbps/s', '1..2Mbps', ''])('%j is no rate', (text) =>
  expect(() => parseByteRate(text)).toThrow(/Wanted a rate like 50MB\/s or 400Mbps/),
);

test('the flags of a relay become its configuration', () => {
  const config = toDaemonConfig(
    { relayPort: 4303, relayRate: 5, relayQuotaPerDay: 6, relay: ['r:1'], host: '::' },
    AROUND,
  );
  expect(config.spliceRelay).toEqual({ host: '::', port: 4303, rateBytesPerSecond: 5, quotaBytesPerDay: 6 });
  expect(config.relays).toEqual(['r:1']);
  expect(toDaemonConfig({}, AROUND)).not.toHaveProperty('spliceRelay');
});

test('bounds without a relay are a mistake, and said', () => {
  expect(() => toDaemonConfig({ relayRate: 5 }, AROUND)).toThrow(/--relay-port/);
});
