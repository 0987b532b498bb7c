import { describe, expect, it } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { bearerOf, isLoopback, type RequestFacts, type RouteAccess, refusalOf } from './access.ts';
import type { Viewer } from './ports.ts';

const rules = { port: 14345, openLan: false, localToken: 'secret' };
const viewers: Readonly<Record<Viewer['kind'], Viewer>> = {
  loopback: { kind: 'loopback' },
  peer: { kind: 'peer', nodeId: 'n' as NodeId, role: 'member' },
  token: { kind: 'token', subject: 's' },
  stranger: { kind: 'stranger' },
};
const owner: RequestFacts = {
  viewer: viewers.loopback,
  secure: false,
  host: '127.0.0.1:14345',
  origin: undefined,
  bearer: 'secret',
};

describe('refusalOf() is the table of 05-http §4', () => {
  const table: readonly [RouteAccess, Viewer['kind'], boolean, string | undefined][] = [
    ['anyone', 'stranger', false, undefined],
    ['listing', 'loopback', false, undefined],
    ['listing', 'peer', false, undefined],
    ['listing', 'token', false, undefined],
    ['listing', 'stranger', false, 'stranger_refused'],
    ['listing', 'stranger', true, undefined],
    ['reader', 'peer', false, undefined],
    ['reader', 'stranger', false, undefined],
    ['known', 'peer', false, undefined],
    ['known', 'token', false, undefined],
    ['known', 'stranger', true, 'stranger_refused'],
    ['owner', 'token', true, 'owner_not_local'],
    ['owner', 'stranger', true, 'owner_not_local'],
  ];
  it.each(table)('%s for %s, open to the LAN: %s → %s', (access, kind, openLan, wanted) => {
    expect(refusalOf({ ...owner, viewer: viewers[kind] }, access, { ...rules, openLan })).toBe(wanted);
  });
});

describe('refusalOf() for owner routes', () => {
  const cases: readonly [string, Partial<RequestFacts>, string | undefined][] = [
    ['all right', {}, undefined],
    ['localhost', { host: 'LocalHost:14345' }, undefined],
    ['IPv6', { host: '[::1]:14345' }, undefined],
    ['own origin', { origin: 'http://localhost:14345' }, undefined],
    ['over TLS, even by this machine', { secure: true }, 'owner_over_tls'],
    ['a re-pointed name', { host: 'evil.example:14345' }, 'foreign_host'],
    ['a name that only begins right', { host: 'localhost:14345.evil.example' }, 'foreign_host'],
    ['another port', { host: '127.0.0.1:80' }, 'foreign_host'],
    ['no port', { host: '127.0.0.1' }, 'foreign_host'],
    ['no Host', { host: undefined }, 'foreign_host'],
    ['another site', { origin: 'https://evil.example' }, 'foreign_origin'],
    ['a sandboxed page', { origin: 'null' }, 'foreign_origin'],
    ['another program’s page on this machine', { origin: 'http://localhost:3000' }, 'foreign_origin'],
    ['no token', { bearer: undefined }, 'local_token_wrong'],
    ['a wrong token', { bearer: 'secreT' }, 'local_token_wrong'],
    ['a longer token', { bearer: 'secret1' }, 'local_token_wrong'],
  ];
  it.each(cases)('%s', (_name, change, wanted) => {
    expect(refusalOf({ ...owner, ...change }, 'owner', rules)).toBe(wanted);
  });

  it('lets nobody in when there is no local token', () => {
    expect(refusalOf({ ...owner, bearer: '' }, 'owner', { ...rules, localToken: '' })).toBe('local_token_wrong');
  });
});

describe('isLoopback()', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['127.0.0.1.evil', false],
    ['fe80::1', false],
    ['', false],
    [undefined, false],
  ])('%s → %s', (address, wanted) => {
    expect(isLoopback(address)).toBe(wanted);
  });
});

describe('bearerOf()', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer  abc ', 'abc'],
    ['Basic abc', undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    [undefined, undefined],
  ])('%s → %s', (header, wanted) => {
    expect(bearerOf(header)).toBe(wanted);
  });
});
