import { expect, test } from 'vitest';
import { samplePackage } from '../../testkit/package-manifests.ts';
import { formatPackageManifest, parsePackageManifest } from './package-manifest.ts';
import { packageDigest } from './package-signing.ts';

test('a manifest reads back as it was written, with the same digest', () => {
  const { manifest } = samplePackage();
  const text = formatPackageManifest(manifest);
  const read = parsePackageManifest(text);
  expect(read).toEqual(manifest);
  expect(formatPackageManifest(read)).toBe(text);
  expect(packageDigest(read)).toBe(packageDigest(manifest));
});
