import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import {
  formatPackageManifest,
  type PackageManifest,
  type PackageSignatures,
  parsePackageManifest,
} from '../../protocol/index.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { samplePackage } from '../../testkit/package-manifests.ts';
import { PACKED_AT_MS, trustIn } from '../../testkit/packages.ts';
import { makeKey } from '../../trust/index.ts';
import { founderKeyOf } from './founder-key.ts';
import { isPackageSignature, type PackageTrust, verifyPackageSignature } from './package-trust.ts';
import { packageSigningOf, signedPackageBytes, signPackage } from './sign-package.ts';

const mesh = makeTestMesh('own', PACKED_AT_MS);
const other = makeTestMesh('other', PACKED_AT_MS);
const byAuthority = { signer: mesh.authority, meshId: mesh.authority.id };
const { manifest } = samplePackage();

function byNode(name: string, role: string, options: { readonly lifeMs?: number; readonly nowMs?: number } = {}) {
  return packageSigningOf(mesh.member(name, { role, ...options }));
}

function withSignatures(signed: PackageManifest, changes: PackageSignatures): PackageManifest {
  return { ...signed, signatures: { ...signed.signatures, ...changes } };
}

function codeOf(signed: PackageManifest, trust: Partial<PackageTrust> = {}): unknown {
  try {
    verifyPackageSignature(signed, trustIn(mesh, trust));
    return undefined;
  } catch (thrown) {
    return (thrown as { readonly code: string }).code;
  }
}

test('the authority’s signature holds, and it is told whose it is', () => {
  const signed = parsePackageManifest(formatPackageManifest(signPackage(manifest, byAuthority)));
  expect(verifyPackageSignature(signed, trustIn(mesh))).toEqual({
    ...{ meshId: mesh.authority.id, signer: mesh.authority.id, isOwnMesh: true },
    ...{ name: undefined, role: undefined, founder: undefined },
  });
});

test('so does that of a publisher, whose certificate goes along', () => {
  const signing = byNode('publisher', 'publisher');
  const signed = parsePackageManifest(formatPackageManifest(signPackage(manifest, signing)));
  expect(verifyPackageSignature(signed, trustIn(mesh))).toMatchObject({
    ...{ signer: signing.signer.id, role: 'publisher', name: 'publisher' },
  });
});

test('the node that has the authority’s key signs as the authority', () => {
  const identity = mesh.member('holder', { role: 'admin', withAuthority: true });
  expect(packageSigningOf(identity)).toEqual({ signer: mesh.authority, meshId: mesh.authority.id });
});

test('signing twice gives the same bytes', () => {
  const signed = signPackage(manifest, byAuthority);
  expect(formatPackageManifest(signPackage(signed, byAuthority))).toBe(formatPackageManifest(signed));
});

test.each(['mesh_signature', 'mesh_signer', 'mesh_id'] as const)('a package without %s is unsigned', (field) => {
  const { [field]: _left_out, ...rest } = signPackage(manifest, byAuthority).signatures ?? {};
  expect(codeOf({ ...manifest, signatures: rest })).toBe('package_unsigned');
  expect(codeOf(manifest)).toBe('package_unsigned');
});

test('a package of another mesh is refused until that mesh is trusted', () => {
  const signed = signPackage(manifest, { signer: other.authority, meshId: other.authority.id });
  expect(codeOf(signed)).toBe('mesh_unknown');
  const trust = trustIn(mesh, { trustedMeshes: [other.authority.id] });
  expect(verifyPackageSignature(signed, trust)).toMatchObject({ isOwnMesh: false, meshId: other.authority.id });
});

test('the authority of another mesh does not sign for this one', () => {
  const signed = signPackage(manifest, { signer: other.authority, meshId: mesh.authority.id });
  expect(codeOf(signed)).toBe('certificate_of_other_mesh');
});

test('a certificate of another mesh makes nobody a member of this one', () => {
  const stranger = packageSigningOf(other.member('stranger', { role: 'admin' }));
  expect(codeOf(signPackage(manifest, { ...stranger, meshId: mesh.authority.id }))).toBe('certificate_of_other_mesh');
});

test('a certificate that is missing, of another node or forged is wrong', () => {
  const signing = byNode('publisher', 'publisher');
  const signed = signPackage(manifest, signing);
  expect(codeOf(signPackage(manifest, { ...signing, certificate: undefined }))).toBe('certificate_wrong');
  const { certificate } = mesh.member('somebody', { role: 'admin' });
  expect(codeOf(withSignatures(signed, { mesh_certificate: certificate }))).toBe('certificate_wrong');
  const forged = { ...mesh.member('publisher', { role: 'edge' }).certificate, role: 'admin' };
  expect(codeOf(withSignatures(signed, { mesh_certificate: forged }))).toBe('certificate_wrong');
});

test('a signature of another package, or over other fields, does not hold', () => {
  const signed = signPackage(manifest, byAuthority);
  const newer = signPackage(samplePackage({}, '1.4').manifest, byAuthority);
  expect(codeOf({ ...newer, signatures: signed.signatures ?? {} })).toBe('package_signature_wrong');
  expect(codeOf({ ...signed, note: 'added' })).toBe('package_signature_wrong');
  expect(isPackageSignature({ ...signed, note: 'added' })).toBe(false);
  expect(isPackageSignature(manifest)).toBe(false);
});

test('a signer whose certificate begins later, has ended, or was taken back is refused, each for its own reason', () => {
  const signed = signPackage(manifest, byNode('publisher', 'publisher', { lifeMs: 1000 }));
  expect(codeOf(signed, { nowMs: PACKED_AT_MS - 400_000 })).toBe('signer_not_yet_valid');
  expect(codeOf(signed, { nowMs: PACKED_AT_MS - 200_000 })).toBeUndefined();
  expect(codeOf(signed, { nowMs: PACKED_AT_MS + 1000 })).toBe('signer_expired');
  expect(codeOf(signed, { nowMs: PACKED_AT_MS, isRevoked: () => true })).toBe('signer_revoked');
});

test('a wrong signature is told before an expired certificate', () => {
  const signed = signPackage(manifest, byNode('publisher', 'publisher', { lifeMs: 1000 }));
  expect(codeOf({ ...signed, note: 'added' })).toBe('package_signature_wrong');
});

test('who may sign is said by the own mesh’s policy, and of other meshes by their known roles', () => {
  const signed = signPackage(manifest, byNode('gateway', 'gateway'));
  expect(codeOf(signed)).toBe('role_may_not_sign');
  expect(codeOf(signed, { rolesThatMayWrite: ['gateway'] })).toBeUndefined();
  expect(codeOf(signed, { rolesThatMayWrite: ['*'] })).toBeUndefined();
  const ofOther = signPackage(manifest, packageSigningOf(other.member('gateway', { role: 'gateway' })));
  const trusted = { trustedMeshes: [other.authority.id], rolesThatMayWrite: ['*'] };
  expect(codeOf(ofOther, trusted)).toBe('role_may_not_sign');
});

test('a package is no way around what the policy says of one of its models, or of its own id', () => {
  const signed = signPackage(manifest, byNode('publisher', 'publisher'));
  const adminsAlone = (...ids: (string | undefined)[]) => ({
    rolesThatMayWriteOne: (id: string) => (ids.includes(id) ? ['admin'] : ['admin', 'publisher']),
  });
  expect(codeOf(signed, adminsAlone())).toBeUndefined();
  expect(codeOf(signed, adminsAlone(manifest.contents.models?.at(-1)?.id))).toBe('role_may_not_sign');
  expect(codeOf(signed, adminsAlone(manifest.package.id))).toBe('role_may_not_sign');
  expect(codeOf(signPackage(manifest, byAuthority), adminsAlone(manifest.package.id))).toBeUndefined();
});

test('a founder’s signature is asked for where founders are named', () => {
  const [founder, stranger] = [makeKey(), makeKey()];
  const signed = signPackage(manifest, { ...byAuthority, founder });
  expect(verifyPackageSignature(signed, trustIn(mesh, { founders: [stranger, founder] }))).toMatchObject({
    founder: founderKeyOf(founder),
  });
  expect(codeOf(signed)).toBeUndefined();
  expect(codeOf(signPackage(manifest, byAuthority), { founders: [founder] })).toBe('founder_missing');
  expect(codeOf(signed, { founders: [stranger] })).toBe('founder_wrong');
  const bySwapped = withSignatures(signed, { founder_key: founderKeyOf(stranger) });
  expect(codeOf(bySwapped, { founders: [stranger] })).toBe('founder_wrong');
  expect(codeOf(bySwapped)).toBe('founder_wrong');
});

test('openssl verifies both signatures over the stated bytes, and finds another byte', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signed-'));
  try {
    const { bytes, signatures } = signedPackageBytes(signPackage(manifest, { ...byAuthority, founder: makeKey() }));
    for (const { by, signature, keyPem } of signatures) {
      const file = (name: string) => join(folder, `${by}-${name}`);
      await writeFile(file('key.pem'), keyPem);
      await writeFile(file('signature'), signature);
      await writeFile(file('bytes'), bytes);
      await writeFile(file('other'), Buffer.concat([bytes, Buffer.from(' ')]));
      expect(await openssl(file('key.pem'), file('bytes'), file('signature'))).toContain('Verified Successfully');
      await expect(openssl(file('key.pem'), file('other'), file('signature'))).rejects.toThrow();
    }
    expect(signatures.map(({ by }) => by)).toEqual(['mesh', 'founder']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('there are no signed bytes of what nobody signed', () => {
  expect(() => signedPackageBytes(manifest)).toThrow(expect.objectContaining({ code: 'package_unsigned' }));
});

async function openssl(key: string, bytes: string, signature: string): Promise<string> {
  const { stdout } = await promisify(execFile)('openssl', [
    ...['pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin', '-in', bytes, '-sigfile', signature],
  ]);
  return stdout;
}
