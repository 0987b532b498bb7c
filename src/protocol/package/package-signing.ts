/** What the signatures of a package cover: docs/spec/21-packages.md §6. */
import { createHash } from 'node:crypto';
import type { Sha256 } from '../../core/index.ts';
import { SIGNING_CONTEXTS, signingBytes } from '../canonical.ts';
import type { PackageManifest } from './package-manifest.ts';

/** Context, line feed, RFC 8785 bytes of the manifest without `signatures`. */
export function packageSigningBytes(manifest: Omit<PackageManifest, 'signatures'>): Buffer {
  const { signatures: _left_out, ...signed } = manifest as PackageManifest;
  return signingBytes(SIGNING_CONTEXTS.package, signed);
}

/** SHA-256 of the signed bytes: one package, whoever signed it and whichever part of it lies here. */
export function packageDigest(manifest: Omit<PackageManifest, 'signatures'>): Sha256 {
  return createHash('sha256').update(packageSigningBytes(manifest)).digest('hex') as Sha256;
}
