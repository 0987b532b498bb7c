import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRatePolicy, LAN_POLICY, limitsOf, parseRatePolicy, rulesAt } from './policy.ts';
import { UNLIMITED } from './rate-value.ts';
import { entryAt, formatScheduleEntry, nextChangeMs, parseScheduleEntry } from './schedule.ts';

const HOUR_MS = 3_600_000;
const FLOW = { transfer: 't', peer: 'p', sizeBytes: 0 };

/** The clock on a wall in Berlin, where clocks are changed on 2027-03-28 02:00 and 2027-10-31 03:00. */
function berlin(nowMs: number): number {
  const parts = BERLIN.formatToParts(nowMs);
  const value = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return (value('hour') % 24) * 60 + value('minute');
}
const BERLIN = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Berlin',
  hour: '2-digit',
  minute: '2-digit',
  hour12: false,
});
const at = (text: string) => Date.parse(text);

describe('a schedule', () => {
  test.each([
    ['22:00-06:00 unlimited', 22 * 60, 6 * 60, UNLIMITED, UNLIMITED],
    ['8:00-18:00 2Mbps', 480, 1080, 250_000, 250_000],
    ['08:00-18:00 2Mbps/500 kB/s', 480, 1080, 250_000, 500_000],
    ['08:00 - 24:00 1MB/s', 480, 0, 1_000_000, 1_000_000],
    ['00:00-24:00 1MB/s/2MB/s', 0, 0, 1_000_000, 2_000_000],
  ])('reads %j', (text, from, to, download, upload) => {
    expect(parseScheduleEntry(text)).toEqual({ from, to, download, upload });
  });

  test.each([
    '',
    '22:00 unlimited',
    '25:00-06:00 unlimited',
    '22:60-06:00 unlimited',
    '22:00-24:01 unlimited',
    '22:00-22:00 unlimited',
    '22-6 unlimited',
    '22:00-06:00',
    '22:00-06:00 1Mbps/2Mbps/3Mbps',
  ])('refuses %j', (text) => {
    expect(() => parseScheduleEntry(text)).toThrow(expect.objectContaining({ code: 'bad_schedule', kind: 'usage' }));
  });

  test('with a wrong rate is a wrong rate', () => {
    expect(() => parseScheduleEntry('22:00-06:00 fast')).toThrow(expect.objectContaining({ code: 'bad_rate' }));
  });

  test('over midnight holds on both sides of it, until before its end', () => {
    const night = parseScheduleEntry('22:00-06:00 unlimited');
    const holds = (minute: number) => entryAt([night], minute) === night;
    expect([0, 359, 360, 1319, 1320, 1439].map(holds)).toEqual([true, true, false, false, true, true]);
  });

  test('the first entry that holds counts', () => {
    const lunch = parseScheduleEntry('12:00-13:00 unlimited');
    const day = parseScheduleEntry('08:00-18:00 2Mbps');
    expect(entryAt([lunch, day], 12 * 60)).toBe(lunch);
    expect(entryAt([lunch, day], 13 * 60)).toBe(day);
    expect(entryAt([lunch, day], 19 * 60)).toBeUndefined();
  });

  test('written and read again is the same', () => {
    const minute = fc.integer({ min: 0, max: 1439 });
    const rate = fc.constantFrom(UNLIMITED, 8000, 250_000, 1_000_000);
    fc.assert(
      fc.property(minute, minute, rate, rate, (from, to, download, upload) => {
        fc.pre(from !== to);
        const entry = { from, to, download, upload };
        expect(parseScheduleEntry(formatScheduleEntry(entry))).toEqual(entry);
      }),
    );
  });

  test.each([
    ['on a usual day', '2027-01-10T20:30:00+01:00', '2027-01-10T22:00:00+01:00'],
    ['inside it', '2027-01-10T23:30:00+01:00', '2027-01-11T06:00:00+01:00'],
    ['in the night that is an hour shorter', '2027-03-27T23:00:00+01:00', '2027-03-28T06:00:00+02:00'],
    ['in the night that is an hour longer', '2027-10-30T23:00:00+02:00', '2027-10-31T06:00:00+01:00'],
  ])('says when it changes: %s', (_, now, change) => {
    expect(nextChangeMs([parseScheduleEntry('22:00-06:00 unlimited')], at(now), berlin)).toBe(at(change));
  });

  test('that begins in the hour that is left out holds from the moment after it', () => {
    const schedule = [parseScheduleEntry('02:30-05:00 1MB/s')];
    expect(nextChangeMs(schedule, at('2027-03-28T00:30:00+01:00'), berlin)).toBe(at('2027-03-28T03:00:00+02:00'));
  });

  test('of the whole day never changes', () => {
    expect(nextChangeMs([parseScheduleEntry('00:00-24:00 1MB/s')], at('2027-01-10T20:30:00Z'), berlin)).toBeUndefined();
    expect(nextChangeMs([], 0, berlin)).toBeUndefined();
  });

  test('what holds is the same until the next change, and another at it', () => {
    const entries = ['22:00-06:00 unlimited', '12:00-13:00 1MB/s', '08:00-18:00 2Mbps'].map(parseScheduleEntry);
    fc.assert(
      fc.property(fc.integer({ min: at('2027-03-26T00:00Z'), max: at('2027-03-30T00:00Z') }), (nowMs) => {
        const change = nextChangeMs(entries, nowMs, berlin) ?? 0;
        expect(change).toBeGreaterThan(nowMs);
        expect(change - nowMs).toBeLessThanOrEqual(24 * HOUR_MS);
        expect(entryAt(entries, berlin(change - 1))).toBe(entryAt(entries, berlin(nowMs)));
        expect(entryAt(entries, berlin(change))).not.toBe(entryAt(entries, berlin(nowMs)));
      }),
      { numRuns: 30 },
    );
  });
});

describe('a policy', () => {
  test('without a word is a LAN: no limit at all', () => {
    expect(parseRatePolicy({})).toEqual(LAN_POLICY);
    const rules = rulesAt(LAN_POLICY, 0);
    expect(limitsOf(rules, { ...FLOW, sizeBytes: 1e12 }, 'upload')).toEqual({
      ...{ transferRate: UNLIMITED, peerRate: UNLIMITED, priority: 'normal', yields: false },
    });
  });

  test.each([
    [9_999_999, UNLIMITED, false],
    [10_000_000, 625_000, true],
    [499_999_999, 625_000, true],
    [500_000_000, 250_000, true],
  ])('metered: a transfer of %i bytes', (sizeBytes, transferRate, yields) => {
    const rules = rulesAt(parseRatePolicy({ profile: 'metered' }), 0);
    expect(limitsOf(rules, { ...FLOW, sizeBytes }, 'download')).toMatchObject({ transferRate, yields });
  });

  test('metered, with nights off: the size classes do not hold at night', () => {
    const policy = parseRatePolicy({ profile: 'metered', schedule: ['22:00-06:00 unlimited'] });
    const rate = (minute: number) =>
      limitsOf(
        rulesAt(policy, 0, () => minute),
        { ...FLOW, sizeBytes: 1e9 },
        'upload',
      ).transferRate;
    expect([rate(12 * 60), rate(23 * 60)]).toEqual([250_000, UNLIMITED]);
  });

  test('an entry of the schedule takes the place of the rates of the node', () => {
    const policy = parseRatePolicy({ profile: 'custom', download: '5Mbps', schedule: ['08:00-18:00 1Mbps/2Mbps'] });
    expect(rulesAt(policy, 0, () => 600)).toMatchObject({ download: 125_000, upload: 250_000 });
    expect(rulesAt(policy, 0, () => 1200)).toMatchObject({ download: 625_000, upload: UNLIMITED });
  });

  test('a peer has its own rate, else that of every peer; a transfer what its user said', () => {
    const policy = parseRatePolicy({ profile: 'custom', per_peer: '8Mbps', peers: { slow: { upload: '800kbps' } } });
    const rules = rulesAt(policy, 0);
    expect(limitsOf(rules, FLOW, 'upload').peerRate).toBe(1_000_000);
    expect(limitsOf(rules, { ...FLOW, peer: 'slow' }, 'upload').peerRate).toBe(100_000);
    expect(limitsOf(rules, FLOW, 'upload', { upload: 9999 }).transferRate).toBe(9999);
    expect(limitsOf(rules, FLOW, 'upload', { priority: 'low' })).toMatchObject({ priority: 'low', yields: true });
  });

  test('written and read again is the same', () => {
    const text = {
      ...{ profile: 'custom', download: '5Mbps', upload: 'unlimited', per_peer: '1Mbps', yields: true },
      peers: { a: { download: '2Mbps', upload: 'unlimited' } },
      schedule: ['22:00-06:00 unlimited', '08:00-18:00 2Mbps/1Mbps'],
    } as const;
    expect(formatRatePolicy(parseRatePolicy(text))).toEqual(text);
  });

  test.each([
    [{ profile: 'fast' }, 'bad_policy'],
    [{ schedule: Array.from({ length: 33 }, () => '08:00-09:00 unlimited') }, 'bad_policy'],
    [{ peers: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`p${i}`, {}])) }, 'bad_policy'],
    [{ download: '5' }, 'bad_rate'],
    [{ schedule: ['noon'] }, 'bad_schedule'],
  ])('is refused: case %#', (text, code) => {
    expect(() => parseRatePolicy(text)).toThrow(expect.objectContaining({ code, kind: 'usage' }));
  });
});
