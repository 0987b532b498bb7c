import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeardRecord } from './dns.ts';
import { HeardServices } from './heard-services.ts';
import { LAN_LIMITS } from './limits.ts';
import { isShowable, readTxt, toTxt } from './txt.ts';

const TYPE = '_atmosphere._tcp';

function packet(...answers: HeardRecord[]) {
  return { id: 0, questions: [], answers, additionals: [] };
}

function words(instance: string, { ttl = 120, port = 14345, txt = ['v=1'] } = {}): HeardRecord[] {
  const name = `${instance}.${TYPE}.local`;
  return [
    { type: 'PTR', name: `${TYPE}.local`, ttl, data: name },
    { type: 'SRV', name, ttl, data: { port, target: 'x.local' } },
    { type: 'TXT', name, ttl, data: txt.map((entry) => Buffer.from(entry)) },
  ];
}

describe('words of strangers', () => {
  it('count for the machine they came from: nobody replaces what another one said', () => {
    const heard = new HeardServices(TYPE);
    heard.take(packet(...words('gw')), '10.0.0.1', 0);
    heard.take(packet(...words('gw', { port: 666 })), '10.0.0.66', 0);
    expect(heard.services(1).map(({ address, port }) => [address, port])).toEqual([
      ['10.0.0.1', 14345],
      ['10.0.0.66', 666],
    ]);
    heard.take(packet(...words('gw', { ttl: 0 })), '10.0.0.66', 2);
    expect(heard.services(3).map(({ address }) => address)).toEqual(['10.0.0.1']);
  });

  it('run out, and never count for longer than the bound', () => {
    const heard = new HeardServices(TYPE);
    heard.take(packet(...words('short', { ttl: 1 })), '10.0.0.1', 0);
    heard.take(packet(...words('long', { ttl: 4_000_000_000 })), '10.0.0.1', 0);
    expect(heard.services(999)).toHaveLength(2);
    expect(heard.nextEndMs()).toBe(1000);
    expect(heard.expire(1000).map(({ instance }) => instance)).toEqual(['short']);
    expect(heard.expire(LAN_LIMITS.ttlSeconds * 1000)).toHaveLength(1);
  });

  it('that are incomplete are asked for, and complete later', () => {
    const heard = new HeardServices(TYPE);
    const [pointer, srv, txt] = words('gw') as [HeardRecord, HeardRecord, HeardRecord];
    expect(heard.take(packet(pointer), '10.0.0.1', 0)).toMatchObject({ found: [], incomplete: ['gw'] });
    expect(heard.take(packet(srv), '10.0.0.1', 0).found).toEqual([]);
    expect(heard.take(packet(txt), '10.0.0.1', 0).found).toHaveLength(1);
    expect(heard.take(packet(pointer, srv, txt), '10.0.0.1', 1).found).toEqual([]);
  });

  it('of one machine leave room for those of others', () => {
    const heard = new HeardServices(TYPE);
    for (let at = 0; at < 1000; at += 1) heard.take(packet(...words(`n${at}`)), '10.0.0.66', 0);
    heard.take(packet(...words('gw')), '10.0.0.1', 0);
    expect(heard.services(1)).toHaveLength(LAN_LIMITS.servicesPerAddress + 1);
    for (let at = 0; at < 1000; at += 1) heard.take(packet(...words('n')), `10.1.${at >> 8}.${at & 255}`, 0);
    expect(heard.services(1)).toHaveLength(LAN_LIMITS.services);
  });

  it.each([
    ['another service', words('gw').map((record) => ({ ...record, name: record.name.replace('atmos', 'athos') }))],
    ['control characters in the name', words('g\u001b[31mw')],
    ['a name that turns the direction of writing', words('g\u202ew')],
    ['a name that is too long', words('g'.repeat(64))],
    [
      'no name',
      words('').map((record) => ({ ...record, data: record.type === 'PTR' ? `.${TYPE}.local` : record.data })),
    ],
    ['data of another form', words('gw').map((record) => ({ ...record, data: null }))],
    ['port 0', words('gw', { port: 0 })],
  ])('are left out: %s', (_what, records) => {
    const heard = new HeardServices(TYPE);
    heard.take(packet(...records), '10.0.0.1', 0);
    expect(heard.services(1)).toEqual([]);
  });

  it('never throw, whatever the records are', () => {
    const record = fc.record({
      type: fc.constantFrom('PTR', 'SRV', 'TXT', 'A', 'X'),
      name: fc.oneof(fc.constant(`${TYPE}.local`), fc.constant(`gw.${TYPE}.local`), fc.string()),
      ttl: fc.oneof(fc.nat(), fc.constant(Number.NaN), fc.constant(-1)),
      data: fc.oneof(fc.constant(`gw.${TYPE}.local`), fc.anything()),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), (records) => {
        const heard = new HeardServices(TYPE);
        heard.take(packet(...records), '10.0.0.1', 0);
        for (const { instance, txt } of heard.services(1))
          expect([instance, ...txt.keys(), ...txt.values()].every(isShowable)).toBe(true);
      }),
    );
  });
});

describe('TXT entries', () => {
  it('are cut to the budget, whole ones, the first ones first', () => {
    const many = Array.from({ length: 100 }, (_, at) => [`p${at}`, 'x'.repeat(40)] as const);
    const strings = toTxt([['v', '1'], ...many]);
    const bytes = strings.reduce((sum, { length }) => sum + length + 1, 0);
    expect(bytes).toBeLessThanOrEqual(LAN_LIMITS.txtBytes);
    expect([...(readTxt(strings) ?? [])].slice(0, 2)).toEqual([
      ['v', '1'],
      ['p0', 'x'.repeat(40)],
    ]);
    expect(readTxt(strings)?.size).toBe(strings.length);
  });

  it('of a stranger are text, each key once, and bounded', () => {
    const entries = ['v=1', 'v=2', '=x', 'noValue', 'bad=\u0007', 'K=upper'].map((entry) => Buffer.from(entry));
    entries.push(Buffer.from([0x61, 0x3d, 0xff]));
    expect([...(readTxt(entries) ?? [])]).toEqual([
      ['v', '1'],
      ['k', 'upper'],
    ]);
    expect(readTxt('v=1')).toBeUndefined();
    const endless = Array.from({ length: 10_000 }, (_, at) => Buffer.from(`k${at}=v`));
    expect(readTxt(endless)?.size).toBe(LAN_LIMITS.txtEntries);
  });
});
