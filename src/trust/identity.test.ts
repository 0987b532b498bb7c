import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { checkCertificate, issueCertificateRecord } from './certificates.ts';
import { enterMesh, initMesh, leaveMesh, openIdentity, readIdentity } from './identity.ts';
import { TRUST_LIMITS } from './limits.ts';

const NOW = 1_800_000_000_000;
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'identity-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

const open = (nowMs = NOW) => openIdentity(home, { nodeName: 'cellar', nowMs });
const coded = (code: string) => expect.objectContaining({ code });

describe('openIdentity()', () => {
  test('makes keys that only the owner may read and a mesh of one, and finds them again', () => {
    const first = open();
    for (const file of ['node.key', 'authority.key', 'mesh.json']) {
      expect(statSync(join(home, file)).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(home).toSorted()).toEqual(['authority.key', 'mesh.json', 'node.key']);
    expect(checkCertificate(first.certificate, first.meshId, NOW, () => false)).toBeUndefined();
    expect(first.certificate).toMatchObject({ role: 'admin', name: 'cellar', node_id: first.nodeId });
    const second = open();
    expect([second.nodeId, second.meshId, second.certificate]).toEqual([first.nodeId, first.meshId, first.certificate]);
    expect(second.authority?.id).toBe(first.meshId);
  });

  test.each(['node.key', 'authority.key', 'mesh.json'])('refuses %s that others may read, and says chmod', (file) => {
    open();
    chmodSync(join(home, file), 0o640);
    expect(() => open()).toThrow(coded('key_exposed'));
    expect(() => open()).toThrow(`chmod 600 ${join(home, file)}`);
  });

  test.each([
    ['empty', ''],
    ['garbage', 'hello'],
    ['another sort of key', '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIAABAgME\n-----END PRIVATE KEY-----\n'],
    ['far too large', 'x'.repeat(10_000)],
  ])('refuses a key file that is %s and leaves it as it was', (_name, text) => {
    open();
    writeFileSync(join(home, 'node.key'), text, { mode: 0o600 });
    expect(() => open()).toThrow(coded('key_corrupt'));
    expect(readFileSync(join(home, 'node.key'), 'utf8')).toBe(text);
  });

  test.each([
    ['cut off', '{"type":"mesh"'],
    ['of another shape', '{"type":"mesh","mesh_id":"mesh_x","name":"a","certificate":{}}'],
  ])('refuses a mesh.json that is %s', (_name, text) => {
    open();
    writeFileSync(join(home, 'mesh.json'), text, { mode: 0o600 });
    expect(() => open()).toThrow(coded('membership_corrupt'));
  });

  test('refuses the mesh.json of another node', () => {
    const other = makeTestMesh('other').member('somebody');
    const file = { type: 'mesh', mesh_id: other.meshId, name: 'm', certificate: other.certificateRecord };
    open();
    writeFileSync(join(home, 'mesh.json'), JSON.stringify(file), { mode: 0o600 });
    expect(() => open()).toThrow(coded('membership_corrupt'));
  });

  test('reports a home that is a file', () => {
    const path = join(home, 'file');
    writeFileSync(path, '');
    expect(() => openIdentity(path, { nodeName: 'x', nowMs: NOW })).toThrow(coded('home_unusable'));
  });

  test('goes on as a mesh of one, by the same authority, when mesh.json is gone', () => {
    const { meshId } = open();
    rmSync(join(home, 'mesh.json'));
    expect(open().meshId).toBe(meshId);
  });

  test('renews the own certificate in the second half of its life', () => {
    const first = open();
    const later = NOW + TRUST_LIMITS.certificateLifeMs / 2 + 1;
    const renewed = open(later);
    expect(renewed.certificate.serial).toBeGreaterThan(first.certificate.serial);
    expect(open(later).certificate).toEqual(renewed.certificate);
  });
});

describe('changing the mesh', () => {
  test('initMesh() makes a new authority and keeps the old key beside it', () => {
    const first = open();
    const next = initMesh(first, { nodeName: 'cellar', meshName: 'plant 4', nowMs: NOW });
    expect(next.meshId).not.toBe(first.meshId);
    expect(next.meshName).toBe('plant 4');
    expect(readdirSync(home)).toContain(`authority-${first.meshId.slice(5, 17)}.key`);
    expect(open().meshId).toBe(next.meshId);
  });

  test('enterMesh() and leaveMesh() go to another mesh and back to the own one', () => {
    const first = open();
    const { authority } = makeTestMesh('factory');
    const certificateRecord = issueCertificateRecord(authority, {
      nodeId: first.nodeId,
      role: 'edge',
      name: 'cellar',
      serial: 7,
      nowMs: NOW,
    });
    const member = enterMesh(first, { meshName: 'factory', certificateRecord });
    expect(member).toMatchObject({ meshId: authority.id, authority: undefined });
    expect(open()).toMatchObject({ meshId: authority.id, meshName: 'factory', authority: undefined });
    expect(leaveMesh(member, { nodeName: 'cellar', nowMs: NOW }).meshId).toBe(first.meshId);
    expect(open().authority?.id).toBe(first.meshId);
  });
});

describe('readIdentity()', () => {
  test('makes nothing where no node has ever been', () => {
    expect(readIdentity(home)).toBeUndefined();
    expect(readdirSync(home)).toEqual([]);
  });

  test('is who the node is', () => {
    const opened = open();
    expect(readIdentity(home)).toEqual(opened);
  });
});
