import { expect, test } from 'vitest';
import { type NodeId, type RequestId, type Sha256, silentLogger } from '../../core/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import type { PieceSource } from '../../transfer/index.ts';
import { mergeLimits } from '../control/limits-control.ts';
import { probeAddress } from './probe-address.ts';
import { RateControl } from './rate-control.ts';

const SHA = 'ab'.repeat(32) as Sha256;
const REQUEST = 'r1' as RequestId;
const PEER = { kind: 'peer', nodeId: 'n1' as NodeId };
const source = { id: 'n1', nodeId: 'n1' as NodeId } as PieceSource;
const NOON = new Date(2027, 0, 10, 12, 0).getTime();

function open(kept: Record<string, unknown> = {}, clock = new VirtualClock(NOON)) {
  const store = new Map(Object.entries(kept));
  const settings = {
    get: (key: string) => store.get(key),
    set: (key: string, value: unknown) => void store.set(key, value),
  };
  const control = new RateControl({ settings, addressOf: () => undefined, clock, logger: silentLogger });
  const passes = (gate: { take(count: number): void | Promise<void> }, bytes: number) => gate.take(bytes) === undefined;
  const downloads = (bytes: number, sizeBytes = 1e9) =>
    passes(control.gate({ requestId: REQUEST, sha256: SHA, sizeBytes }, source), bytes);
  const uploads = (bytes: number, reader: Parameters<RateControl['uploadGate']>[0] = PEER) =>
    passes(control.uploadGate(reader, SHA, 1e9), bytes);
  return { control, clock, store, downloads, uploads };
}

test('without a word nothing is held back', () => {
  const { control, downloads, uploads } = open();
  expect([downloads(1e12), uploads(1e12)]).toEqual([true, true]);
  control[Symbol.dispose]();
});

test('a policy holds at once, each way by itself, and after a restart', () => {
  const first = open();
  first.control.change({ profile: 'custom', upload: '1MB/s' });
  expect([first.downloads(1e12), first.uploads(1e6)]).toEqual([true, false]);
  first.control[Symbol.dispose]();
  const second = open(Object.fromEntries(first.store));
  expect([second.downloads(1e12), second.uploads(1e6)]).toEqual([true, false]);
  second.control.change({});
  expect(second.uploads(1e12)).toBe(true);
  second.control[Symbol.dispose]();
});

test('what is no policy changes nothing', () => {
  const { control, store, uploads } = open();
  expect(() => control.change({ upload: 'fast' })).toThrow(expect.objectContaining({ code: 'bad_rate' }));
  expect([uploads(1e12), store.size]).toEqual([true, 0]);
  control[Symbol.dispose]();
});

test.each([[{ upload: 'fast' }], ['lan'], [[1]], [null]])('a kept policy that cannot be read (%j) is none', (kept) => {
  const { control, uploads } = open({ rate_policy: kept });
  expect([control.policy.profile, uploads(1e12)]).toEqual(['lan', true]);
  control[Symbol.dispose]();
});

test('the schedule changes the rates when its time comes', async () => {
  const { control, clock, downloads } = open();
  control.change({ profile: 'custom', schedule: ['12:30-13:00 1MB/s'] });
  const passed: boolean[] = [downloads(1e7)];
  for (const minutes of [31, 31]) {
    await clock.advance(minutes * 60_000);
    passed.push(downloads(1e7));
  }
  expect(passed).toEqual([true, false, true]);
  control[Symbol.dispose]();
});

test('a wish holds for its transfer, both ways, until it is over', () => {
  const { control, downloads, uploads } = open();
  control.setWish(REQUEST, { download: 100_000, upload: 50_000 });
  expect([downloads(1e6), uploads(1e6)]).toEqual([false, false]);
  expect(control.uploadGate(PEER, 'cd'.repeat(32) as Sha256, 1e9).take(1e12)).toBeUndefined();
  control.forget(REQUEST);
  expect([downloads(1e6), uploads(1e12)]).toEqual([true, true]);
  control[Symbol.dispose]();
});

test('the most a download may have is the least of its node’s, its size’s and its own', () => {
  const { control } = open();
  const rate = (sizeBytes = 1e9) => control.downloadRateOf(REQUEST, sizeBytes);
  expect(rate()).toBe(Number.POSITIVE_INFINITY);
  control.change({ profile: 'metered', download: '1MB/s' });
  expect([rate(1e6), rate()]).toEqual([1e6, 250_000]);
  control.setWish(REQUEST, { download: 100_000 });
  expect(rate()).toBe(100_000);
  control[Symbol.dispose]();
});

test('a peer has its own rate', () => {
  const { control, uploads } = open();
  control.change({ profile: 'custom', peers: { n1: { upload: '1MB/s' } } });
  expect([uploads(1e6), uploads(1e12, { kind: 'token' })]).toEqual([false, true]);
  control[Symbol.dispose]();
});

test('probeAddress() is that of the port bytes come from, and none on this machine', () => {
  const remote = { baseUrl: 'https://10.0.0.7:14345', isLoopback: false };
  expect(probeAddress([remote])).toEqual({ host: '10.0.0.7', port: 14345 });
  expect(probeAddress([{ baseUrl: 'https://[fd00::1]', isLoopback: false }])).toEqual({ host: 'fd00::1', port: 443 });
  expect(probeAddress([{ baseUrl: 'http://127.0.0.1:1', isLoopback: true }, remote])).toBeUndefined();
  expect(probeAddress([])).toBeUndefined();
});

const LAN = {
  ...{ profile: 'lan', download: 'unlimited', upload: 'unlimited', per_peer: 'unlimited', yields: false },
  ...{ peers: {}, schedule: [] },
} as const;
const OFFICE = {
  ...LAN,
  profile: 'custom',
  upload: '5Mbps',
  peers: { n1: { download: '1Mbps', upload: 'unlimited' } },
} as const;

test.each([
  ['a limit makes a lan custom', LAN, { download: '5Mbps' }, { profile: 'custom', download: '5Mbps' }],
  ['what is not said stays', OFFICE, { download: '9Mbps' }, { profile: 'custom', upload: '5Mbps', download: '9Mbps' }],
  ['a metered link may be limited too', { ...LAN, profile: 'metered' }, { upload: '9Mbps' }, { profile: 'metered' }],
  ['clear takes all', OFFICE, { clear: true }, { profile: 'lan' }],
  ['clear and more begins anew', OFFICE, { clear: true, upload: '1Mbps' }, { profile: 'custom', upload: '1Mbps' }],
  ['lan takes all', OFFICE, { profile: 'lan' }, { profile: 'lan' }],
])('mergeLimits(): %s', (_, policy, change, expected) => {
  const merged = mergeLimits(policy as Parameters<typeof mergeLimits>[0], { clear: false, ...change } as never);
  expect(merged).toMatchObject(expected);
  if ('clear' in change || 'profile' in change) expect(merged.peers).toBeUndefined();
});

test('mergeLimits() of one peer leaves the others, and forgets one without a limit', () => {
  const policy = OFFICE as unknown as Parameters<typeof mergeLimits>[0];
  const two = mergeLimits(policy, { clear: false, upload: '2Mbps' }, 'n2');
  expect(two.peers).toEqual({ n1: OFFICE.peers.n1, n2: { upload: '2Mbps' } });
  expect(mergeLimits(policy, { clear: true }, 'n1').peers).toEqual({});
  expect(mergeLimits(policy, { clear: false, download: 'unlimited' }, 'n1').peers).toEqual({});
  expect(mergeLimits(LAN as unknown as typeof policy, { clear: false, upload: '2Mbps' }, 'n1').profile).toBe('custom');
});
