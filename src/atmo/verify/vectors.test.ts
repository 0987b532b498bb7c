import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseMeshId } from '../../core/index.ts';
import { packageDigest, packageSigningBytes, parsePackageManifest } from '../../protocol/index.ts';
import { vectorCases } from '../../testkit/vectors.ts';
import { type CustodyFlaw, type CustodyStanding, verifyCustody } from '../custody/verify-custody.ts';
import { type PackageTrust, verifyPackageSignature } from './package-trust.ts';

interface SignatureCase {
  readonly name: string;
  readonly yaml: string;
  readonly signed_bytes: string;
  readonly digest: string;
  readonly own_mesh: string;
  readonly at: number;
  readonly refused?: string;
}

function trust(ownMesh: string, nowMs = 0): PackageTrust {
  return {
    ...{ ownMesh: parseMeshId(ownMesh), trustedMeshes: [], isRevoked: () => false, founders: [], nowMs },
    rolesThatMayWrite: ['admin', 'publisher'],
  };
}

test.each(vectorCases<SignatureCase>('packages', 'signatures.json'))('%s', (_name, one) => {
  const manifest = parsePackageManifest(one.yaml);
  expect(packageSigningBytes(manifest).toString('utf8')).toBe(one.signed_bytes);
  expect(createHash('sha256').update(one.signed_bytes).digest('hex')).toBe(one.digest);
  expect(packageDigest(manifest)).toBe(one.digest);
  const verify = () => verifyPackageSignature(manifest, trust(one.own_mesh, one.at));
  if (one.refused === undefined) expect(verify()).toMatchObject({ isOwnMesh: true });
  else expect(verify).toThrow(expect.objectContaining({ code: one.refused }));
});

interface CustodyCase {
  readonly name: string;
  readonly manifest: string;
  readonly own_mesh: string;
  readonly custody: string;
  readonly standings?: readonly CustodyStanding[];
  readonly broken?: readonly [line: number, reason: CustodyFlaw];
}

test.each(vectorCases<CustodyCase>('packages', 'custody.json'))('%s', (_name, one) => {
  const verify = () => verifyCustody(one.custody, parsePackageManifest(one.manifest), trust(one.own_mesh));
  if (one.broken === undefined) {
    expect(verify().map(({ standing }) => standing)).toEqual(one.standings);
    return;
  }
  const [line, reason] = one.broken;
  expect(verify).toThrow(expect.objectContaining({ code: 'custody_broken', data: { line, reason } }));
});
