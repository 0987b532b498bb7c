/**
 * Is a package to be believed? Its signatures against the meshes and founders that this node trusts, in the order of the spec; the first
 * that fails is the reason. Spec: docs/spec/21-packages.md §6.3. Pure.
 */
import { type KeyObject, verify } from 'node:crypto';
import { isMeshId, isNodeId, type MeshId, type NodeId } from '../../core/index.ts';
import {
  type NodeCertificate,
  type PackageManifest,
  type PackageSignatures,
  packageSigningBytes,
} from '../../protocol/index.ts';
import { type CertificateFlaw, checkCertificate, publicKeyOfId } from '../../trust/index.ts';
import { AtmoError, type AtmoErrorCode } from '../errors.ts';
import { founderKeyOf, publicKeyOfFounder } from './founder-key.ts';
import { signatureBytes } from './signature-text.ts';

export interface PackageTrust {
  readonly ownMesh: MeshId;
  /** Other meshes whose packages are taken. */
  readonly trustedMeshes: readonly MeshId[];
  readonly isRevoked: (nodeId: NodeId, meshId: MeshId) => boolean;
  /** Public or private keys; where there is one, one of them must have signed. */
  readonly founders: readonly KeyObject[];
  readonly nowMs: number;
  /** Of the own mesh's policy (20-access §1), `*` for all; of other meshes `admin` and `publisher` may. */
  readonly rolesThatMayWrite: readonly string[];
  /** The same of one model or package id, where the policy has words of its own for it. */
  readonly rolesThatMayWriteOne?: (id: string) => readonly string[];
}

export interface PackageSigner {
  readonly meshId: MeshId;
  readonly isOwnMesh: boolean;
  /** The mesh id where its authority signed. */
  readonly signer: MeshId | NodeId;
  /** Of a node. */
  readonly name: string | undefined;
  readonly role: string | undefined;
  /** `ed25519:…`; of a signature that holds, whether or not its key was asked for. */
  readonly founder: string | undefined;
}

/** Throws AtmoError with the code of the first flaw. */
export function verifyPackageSignature(manifest: PackageManifest, trust: PackageTrust): PackageSigner {
  const { meshId, signer, signature, certificate } = meshSignatureOf(manifest);
  const flaw = (code: AtmoErrorCode, what: string, data = {}) =>
    refused(manifest, code, what, { meshId, signer, ...data });
  if (meshId !== trust.ownMesh && !trust.trustedMeshes.includes(meshId))
    throw flaw('mesh_unknown', `it is of ${meshId}, which is neither this mesh nor a trusted one`);
  if (isMeshId(signer) && signer !== meshId)
    throw flaw('certificate_of_other_mesh', `it is said to be of ${meshId}, and the authority of ${signer} signed`);
  const certified = isNodeId(signer) ? certificateFlaw(certificate, signer, meshId, trust) : undefined;
  if (certified?.isOfText === true) throw flaw(certified.code, certified.words, { reason: certified.reason });
  if (!isSignature(packageSigningBytes(manifest), signature, () => publicKeyOfId(signer)))
    throw flaw('package_signature_wrong', `its signature does not hold by the key of ${signer}`);
  if (certified !== undefined) throw flaw(certified.code, certified.words, { reason: certified.reason });
  const role = isNodeId(signer) ? certificate?.role : undefined;
  if (role !== undefined && !maySign(role, meshId, trust))
    throw flaw('role_may_not_sign', `the role of ${signer} is ${role}, which may not write models`, { role });
  const barred = role === undefined ? undefined : firstBarred(manifest, role, meshId, trust);
  if (barred !== undefined)
    throw flaw('role_may_not_sign', `the role of ${signer} is ${role}, which may not write ${barred}`, {
      role,
      id: barred,
    });
  const founder = verifyFounder(manifest, trust.founders);
  const name = role === undefined ? undefined : certificate?.name;
  return { meshId, isOwnMesh: meshId === trust.ownMesh, signer, name, role, founder };
}

/** Does the signature hold by the key of whoever is said to have signed? Says nothing of whether that one is trusted. */
export function isPackageSignature(manifest: PackageManifest): boolean {
  const { mesh_signature, mesh_signer } = manifest.signatures ?? {};
  if (mesh_signature === undefined || mesh_signer === undefined) return false;
  return isSignature(packageSigningBytes(manifest), signatureBytes(mesh_signature), () => publicKeyOfId(mesh_signer));
}

interface MeshSignature {
  readonly meshId: MeshId;
  readonly signer: MeshId | NodeId;
  readonly signature: Buffer;
  readonly certificate: NodeCertificate | undefined;
}

function meshSignatureOf(manifest: PackageManifest): MeshSignature {
  const { mesh_signature, mesh_signer, mesh_id, mesh_certificate } = manifest.signatures ?? {};
  if (mesh_signature === undefined || mesh_signer === undefined || mesh_id === undefined)
    throw refused(manifest, 'package_unsigned', 'it has no signature of a mesh');
  return {
    ...{ meshId: mesh_id, signer: mesh_signer },
    ...{ signature: signatureBytes(mesh_signature), certificate: mesh_certificate },
  };
}

interface Certified {
  readonly code: AtmoErrorCode;
  readonly reason: string;
  readonly words: string;
  /** Wrong whenever one looks; else it depends on the time and on revocations, and is told after the signature. */
  readonly isOfText: boolean;
}

function certificateFlaw(
  certificate: NodeCertificate | undefined,
  signer: NodeId,
  meshId: MeshId,
  { nowMs, isRevoked }: PackageTrust,
): Certified | undefined {
  const wrong = (reason: string, words: string): Certified => ({
    code: 'certificate_wrong',
    reason,
    words,
    isOfText: true,
  });
  if (certificate === undefined) return wrong('missing', `the node ${signer} signed, and its certificate is not there`);
  if (certificate.node_id !== signer)
    return wrong('other_node', `the certificate is of ${certificate.node_id}, and ${signer} signed`);
  const flaw = checkCertificate(certificate, meshId, nowMs, (nodeId) => isRevoked(nodeId, meshId));
  return flaw === undefined ? undefined : { ...FLAWS[flaw](certificate), reason: flaw };
}

type Told = (certificate: NodeCertificate) => Omit<Certified, 'reason'>;

const FLAWS: Readonly<Record<CertificateFlaw, Told>> = {
  other_mesh: ({ mesh_id }) => ({
    ...{ code: 'certificate_of_other_mesh', words: `its signer is certified by ${mesh_id}`, isOfText: true },
  }),
  bad_signature: ({ mesh_id }) => ({
    ...{ code: 'certificate_wrong', words: `the authority of ${mesh_id} did not sign the signer’s certificate` },
    isOfText: true,
  }),
  not_yet_valid: ({ node_id, issued_at }) => ({
    ...{ code: 'signer_not_yet_valid', words: `the certificate of ${node_id} begins at ${timeOf(issued_at)}` },
    isOfText: false,
  }),
  expired: ({ node_id, expires_at }) => ({
    ...{ code: 'signer_expired', words: `the certificate of ${node_id} ended at ${timeOf(expires_at)}` },
    isOfText: false,
  }),
  revoked: ({ node_id }) => ({
    ...{ code: 'signer_revoked', words: `its mesh put ${node_id} out` },
    isOfText: false,
  }),
};

function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

const ROLES_OF_OTHERS: readonly string[] = ['admin', 'publisher'];

function maySign(role: string, meshId: MeshId, { ownMesh, rolesThatMayWrite }: PackageTrust): boolean {
  const roles = meshId === ownMesh ? rolesThatMayWrite : ROLES_OF_OTHERS;
  return roles.includes(role) || roles.includes('*');
}

/** A package is no way around what the policy says of one model, nor of the package's own id. Of other meshes it says nothing. */
function firstBarred(
  { package: { id }, contents }: PackageManifest,
  role: string,
  meshId: MeshId,
  { ownMesh, rolesThatMayWriteOne }: PackageTrust,
): string | undefined {
  if (meshId !== ownMesh || rolesThatMayWriteOne === undefined) return undefined;
  return [id, ...(contents.models ?? []).map((model) => model.id)].find((one) => {
    const roles = rolesThatMayWriteOne(one);
    return !roles.includes(role) && !roles.includes('*');
  });
}

/** The founder's key as text, or undefined where none signed and none was asked for. */
function verifyFounder(manifest: PackageManifest, founders: readonly KeyObject[]): string | undefined {
  const { founder_signature, founder_key }: PackageSignatures = manifest.signatures ?? {};
  if (founder_signature === undefined) {
    if (founders.length === 0) return undefined;
    throw refused(manifest, 'founder_missing', 'no founder signed it');
  }
  const isGood =
    founder_key !== undefined &&
    isSignature(packageSigningBytes(manifest), signatureBytes(founder_signature), () =>
      publicKeyOfFounder(founder_key),
    );
  if (!isGood) throw refused(manifest, 'founder_wrong', 'the founder’s signature does not hold');
  const wanted = founders.map(founderKeyOf);
  if (wanted.length === 0 || wanted.includes(founder_key)) return founder_key;
  throw refused(manifest, 'founder_wrong', `the founder ${founder_key} signed, and not one of those that were named`);
}

/** Ids that are no keys have signed nothing. */
function isSignature(bytes: Buffer, signature: Buffer, key: () => KeyObject): boolean {
  try {
    return verify(null, bytes, key(), signature);
  } catch {
    return false;
  }
}

function refused(manifest: PackageManifest, code: AtmoErrorCode, what: string, data: object = {}): AtmoError {
  const { id, version } = manifest.package;
  return new AtmoError(code, `Checking who signed ${id} ${version}: ${what}`, { data: { id, version, ...data } });
}
