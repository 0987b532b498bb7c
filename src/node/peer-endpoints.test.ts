import { describe, expect, test } from 'vitest';
import type { MeshId } from '../core/index.ts';
import type { CatalogEndpoints } from '../registry/index.ts';
import { endpointsOf, machineHash, openEndpointsOf, plainMark } from './peer-endpoints.ts';

function peer(change: Partial<CatalogEndpoints>): CatalogEndpoints {
  return { http: [], websocket: false, mesh: [], machine: undefined, loopbackPort: undefined, ...change };
}

describe('endpointsOf()', () => {
  test('a neighbour on this machine is asked over loopback first', () => {
    const endpoints = endpointsOf(peer({ http: ['https://10.0.0.2:1'], machine: 'm', loopbackPort: 2 }), 'm');
    expect(endpoints).toEqual([
      { baseUrl: 'http://127.0.0.1:2', isLoopback: true },
      { baseUrl: 'https://10.0.0.2:1', isLoopback: false },
    ]);
  });

  test.each([
    ['another machine', 'other'],
    ['a node that does not say', undefined],
  ])('no loopback for %s', (_, machine) => {
    expect(endpointsOf(peer({ machine, loopbackPort: 2 }), 'm')).toEqual([]);
    expect(endpointsOf(peer({ machine, loopbackPort: 2 }), undefined)).toEqual([]);
  });

  test('plain HTTP is never used because a peer says so', () => {
    expect(endpointsOf(peer({ http: ['http://10.0.0.2:1', 'http://127.0.0.1:22'] }), 'm')).toEqual([]);
  });

  test('a peer of many addresses costs four', () => {
    const http = Array.from({ length: 16 }, (_, index) => `https://10.0.0.${index}:1`);
    expect(endpointsOf(peer({ http }), 'm')).toHaveLength(4);
  });
});

describe('openEndpointsOf()', () => {
  const cautious = { allowPlainHttp: false, hasCredentials: false };
  const urlsOf = (http: string[], rules = cautious) => openEndpointsOf({ http }, rules).map(({ baseUrl }) => baseUrl);

  test.each(['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1', 'http://127.8.9.1:1'])(
    'plain HTTP on loopback is used: %s',
    (url) => expect(openEndpointsOf({ http: [url] }, cautious)).toEqual([{ baseUrl: url, isLoopback: true }]),
  );

  test.each([
    'http://10.0.0.2:1',
    'http://localhost.evil.example:1',
    'http://127.0.0.1.evil.example:1',
    'https://10.0.0.2:1',
    'ftp',
    '',
  ])('nothing else is, unless its user says so: %s', (url) => expect(urlsOf([url])).toEqual([]));

  test('plain HTTP elsewhere and https are each opened by their own word', () => {
    const both = ['http://10.0.0.2:1', 'https://10.0.0.2:2'];
    expect(urlsOf(both, { ...cautious, allowPlainHttp: true })).toEqual(['http://10.0.0.2:1']);
    expect(urlsOf(both, { ...cautious, hasCredentials: true })).toEqual(['https://10.0.0.2:2']);
  });
});

test('machineHash() tells neighbours of one mesh apart from those of another', () => {
  const [one, other] = ['mesh_one', 'mesh_two'] as Parameters<typeof machineHash>[0][] as [never, never];
  expect(machineHash(one, 'boot')).toBe(machineHash(one, 'boot'));
  expect(new Set([machineHash(one, 'boot'), machineHash(other, 'boot'), machineHash(one, 'next')]).size).toBe(3);
});

test('plainMark() is none where the machine is not known, or the role is kept from any model', () => {
  const mesh = { meshId: 'mesh_x' as MeshId, role: 'edge' };
  const may = { mayReadAll: () => true };
  const mayNot = { mayReadAll: (role: string) => role !== 'edge' };
  const mark = machineHash(mesh.meshId, 'mark');
  expect(plainMark({ mesh, access: may, machineMark: 'mark' })).toBe(mark);
  expect(plainMark({ mesh: { ...mesh, role: 'admin' }, access: mayNot, machineMark: 'mark' })).toBe(mark);
  expect(plainMark({ mesh, access: mayNot, machineMark: 'mark' })).toBeUndefined();
  expect(plainMark({ mesh, access: may, machineMark: undefined })).toBeUndefined();
});
