import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyPackageSignature } from '../../atmo/index.ts';
import { openRegistry } from '../../registry/index.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { samplePackage } from '../../testkit/package-manifests.ts';
import { enterMesh, issueCertificateRecord, openIdentity } from '../../trust/index.ts';
import { makeHome, type TestFolder, testFolder } from '../mission.fixture.ts';
import { readFounderKey } from './founder-key.ts';
import { openHomeSeal } from './home-seal.ts';
import { readHomeTrust } from './home-trust.ts';

let folder: TestFolder;
let home: string;
const NOW = Date.parse('2026-03-01T00:00:00Z');

beforeEach(() => {
  folder = testFolder();
  home = makeHome(join(folder.path, 'home'));
});
afterEach(() => folder[Symbol.dispose]());

/** The home’s node becomes a member of another mesh. */
function joinAs(role: string, lifeMs?: number) {
  const { authority } = makeTestMesh('factory', NOW);
  const identity = openIdentity(home, { nodeName: 'workshop', nowMs: NOW });
  const words = { nodeId: identity.nodeId, role, name: 'workshop', serial: 1, nowMs: NOW };
  const certificateRecord = issueCertificateRecord(authority, {
    ...words,
    ...(lifeMs === undefined ? {} : { lifeMs }),
  });
  return enterMesh(identity, { meshName: 'factory', certificateRecord });
}

const { manifest } = samplePackage();
const coded = (code: string) => expect.objectContaining({ code });

describe('openHomeSeal()', () => {
  test('signs with the authority’s key where the home has it', () => {
    const sealed = openHomeSeal({ home, nowMs: NOW }).seal(manifest);
    const trust = readHomeTrust(home, NOW);
    expect(trust && verifyPackageSignature(sealed, trust)).toMatchObject({ isOwnMesh: true, role: undefined });
  });

  test.each(['admin', 'publisher'])('signs as a node that is %s, with its certificate', (role) => {
    joinAs(role);
    const sealed = openHomeSeal({ home, nowMs: NOW }).seal(manifest);
    const trust = readHomeTrust(home, NOW);
    expect(trust && verifyPackageSignature(sealed, trust)).toMatchObject({ role, name: 'workshop' });
  });

  test.each(['edge', 'gateway', 'member'])('a node that is %s signs nothing', (role) => {
    joinAs(role);
    expect(() => openHomeSeal({ home, nowMs: NOW })).toThrow(`the role ${role} of this node may write no models`);
  });

  test('nor does one whose certificate is over, or a home without a node', () => {
    joinAs('admin', 1000);
    expect(() => openHomeSeal({ home, nowMs: NOW + 2000 })).toThrow(coded('cannot_sign'));
    expect(() => openHomeSeal({ home: join(folder.path, 'nobody'), nowMs: NOW })).toThrow(coded('cannot_sign'));
  });

  test('a founder signs beside the mesh', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(join(folder.path, 'founder.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const founderKey = await readFounderKey(join(folder.path, 'founder.pem'));
    const sealed = openHomeSeal({ home, founderKey, nowMs: NOW }).seal(manifest);
    const trust = readHomeTrust(home, NOW);
    expect(trust && verifyPackageSignature(sealed, { ...trust, founders: [privateKey] }).founder).toMatch(/^ed25519:/);
  });
});

describe('readFounderKey()', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const publicKey = generateKeyPairSync('ed25519').publicKey;
  test.each([
    ['another sort of key', rsa.export({ format: 'pem', type: 'pkcs8' }), 'wanted Ed25519'],
    ['a public key', publicKey.export({ format: 'pem', type: 'spki' }), 'wanted the private one'],
    ['no key', 'hello', 'no private key in PEM'],
    ['far too much', 'x'.repeat(100_000), 'which is no key'],
  ])('refuses %s', async (_what, text, words) => {
    writeFileSync(join(folder.path, 'key.pem'), text);
    await expect(readFounderKey(join(folder.path, 'key.pem'))).rejects.toThrow(words);
  });
});

describe('readHomeTrust()', () => {
  test('is what the owner trusts, and changes nothing, beside a daemon and without one', () => {
    const other = makeTestMesh('others').authority.id;
    const database = join(folder.path, 'home', 'db', 'atmosphere.sqlite');
    folder.write({ 'home/db/.here': '' });
    const registry = openRegistry(database);
    registry.packages.trust.put({ kind: 'mesh', id: other, name: 'others', addedAtMs: 1 });
    expect(readHomeTrust(home, NOW)?.trustedMeshes).toEqual([other]);
    registry.close();
    const before = readdirSync(join(home, 'db'));
    expect(readHomeTrust(home, NOW)).toMatchObject({
      trustedMeshes: [other],
      rolesThatMayWrite: ['admin', 'publisher'],
    });
    expect(readdirSync(join(home, 'db'))).toEqual(before);
  });

  test('trusts the own mesh alone where the database cannot be read, and nobody is known without a home', () => {
    folder.write({ 'home/db/atmosphere.sqlite': 'garbage' });
    expect(readHomeTrust(home, NOW)).toMatchObject({ trustedMeshes: [], founders: [] });
    expect(readHomeTrust(join(folder.path, 'nobody'), NOW)).toBeUndefined();
  });
});
