/** Signing a package, and what others need to check that with tools of their own. Spec: docs/spec/21-packages.md §6. */
import { type KeyObject, sign } from 'node:crypto';
import type { MeshId } from '../../core/index.ts';
import {
  type NodeCertificate,
  type PackageManifest,
  type PackageSignatures,
  packageSigningBytes,
} from '../../protocol/index.ts';
import { type Identity, publicKeyOfId, type Signer } from '../../trust/index.ts';
import { AtmoError } from '../errors.ts';
import { founderKeyOf, publicKeyOfFounder } from './founder-key.ts';
import { signatureBytes, toSignatureText } from './signature-text.ts';

export interface PackageSigning {
  /** The mesh's authority, or a node of it. */
  readonly signer: Signer;
  readonly meshId: MeshId;
  /** Of the node that signs. */
  readonly certificate?: NodeCertificate | undefined;
  /** A founder's private key. */
  readonly founder?: KeyObject | undefined;
}

/** The authority signs where its key is on this machine, else the node with its certificate. */
export function packageSigningOf(identity: Identity): PackageSigning {
  const { authority, meshId, nodeId, nodeKey, certificate } = identity;
  if (authority !== undefined) return { signer: authority, meshId };
  return { signer: { id: nodeId, privateKey: nodeKey }, meshId, certificate };
}

/** The same manifest and keys make the same signatures. */
export function signPackage(
  manifest: Omit<PackageManifest, 'signatures'>,
  { signer, meshId, certificate, founder }: PackageSigning,
): PackageManifest {
  const bytes = packageSigningBytes(manifest);
  const signatures: PackageSignatures = {
    mesh_signature: signatureOf(bytes, signer.privateKey),
    mesh_signer: signer.id,
    mesh_id: meshId,
    ...(certificate === undefined ? {} : { mesh_certificate: certificate }),
    ...(founder === undefined
      ? {}
      : { founder_signature: signatureOf(bytes, founder), founder_key: founderKeyOf(founder) }),
  };
  const { signatures: _before, ...signed } = manifest as PackageManifest;
  return { ...signed, signatures };
}

function signatureOf(bytes: Buffer, key: KeyObject): string {
  return toSignatureText(sign(null, bytes, key));
}

export interface SignedPackageBytes {
  readonly bytes: Buffer;
  /** `mesh`, and `founder` where one signed. */
  readonly signatures: readonly {
    readonly by: 'mesh' | 'founder';
    readonly signature: Buffer;
    readonly keyPem: string;
  }[];
}

/** What `openssl pkeyutl -verify -rawin` takes. Says nothing of whether the keys are to be trusted. Throws AtmoError `package_unsigned`. */
export function signedPackageBytes(manifest: PackageManifest): SignedPackageBytes {
  const { mesh_signature, mesh_signer, founder_signature, founder_key } = manifest.signatures ?? {};
  if (mesh_signature === undefined || mesh_signer === undefined)
    throw new AtmoError('package_unsigned', `Reading the signature of ${manifest.package.id}: there is none`);
  const mesh = {
    by: 'mesh',
    signature: signatureBytes(mesh_signature),
    keyPem: pemOf(publicKeyOfId(mesh_signer)),
  } as const;
  if (founder_signature === undefined || founder_key === undefined)
    return { bytes: packageSigningBytes(manifest), signatures: [mesh] };
  const founder = {
    ...({ by: 'founder', signature: signatureBytes(founder_signature) } as const),
    keyPem: pemOf(publicKeyOfFounder(founder_key)),
  };
  return { bytes: packageSigningBytes(manifest), signatures: [mesh, founder] };
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' }).toString();
}
