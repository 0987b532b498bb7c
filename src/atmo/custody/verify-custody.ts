/** Is a custody chain whole, and who is in it? Spec: docs/spec/21-packages.md §7. Pure. */
import { type MeshId, messageOf, type NodeId } from '../../core/index.ts';
import {
  CUSTODY_START,
  type CustodyLine,
  custodyHash,
  type NodeCertificate,
  type PackageManifest,
  packageDigest,
  parseCustodyLine,
  SIGNING_CONTEXTS,
  splitCustody,
} from '../../protocol/index.ts';
import { isSignedBy } from '../../trust/index.ts';
import { AtmoError } from '../errors.ts';

const CUSTODY_FLAWS = [
  'missing',
  'unreadable',
  'wrong_number',
  'wrong_action',
  'other_package',
  'wrong_previous',
  'wrong_certificate',
  'wrong_signature',
] as const;
export type CustodyFlaw = (typeof CUSTODY_FLAWS)[number];

export type CustodyStanding = 'member' | 'outside' | 'expired' | 'revoked' | 'uncertified';

export interface CustodyTrust {
  /** Undefined: none is. */
  readonly ownMesh: MeshId | undefined;
  readonly trustedMeshes: readonly MeshId[];
  readonly isRevoked: (nodeId: NodeId, meshId: MeshId) => boolean;
}

export interface CustodyStep extends CustodyLine {
  /** For people: it decides nothing. */
  readonly standing: CustodyStanding;
}

/** In order. Throws AtmoError `custody_broken` with `data.line` (from 1) and `data.reason`, a CustodyFlaw. */
export function verifyCustody(
  given: string | Uint8Array | undefined,
  manifest: PackageManifest,
  trust: CustodyTrust,
): CustodyStep[] {
  const lines = split(given);
  if (lines.length === 0) throw broken(1, 'missing', 'it has no line');
  const digest = packageDigest(manifest);
  return lines.map((text, index) => {
    const line = parse(text, index + 1);
    const flaw = flawOf(line, { index, manifest, digest, before: lines[index - 1] });
    if (flaw !== undefined) throw broken(index + 1, ...flaw);
    return { ...line, standing: standingOf(line, trust) };
  });
}

interface Place {
  readonly index: number;
  readonly manifest: PackageManifest;
  readonly digest: string;
  /** The text of the line before. */
  readonly before: string | undefined;
}

function flawOf(line: CustodyLine, { index, manifest, digest, before }: Place): [CustodyFlaw, string] | undefined {
  const { id, version, manifest_sha256 } = line.package;
  if (line.seq !== index + 1) return ['wrong_number', `its number is ${line.seq}, wanted ${index + 1}`];
  if ((line.action === 'created') !== (index === 0))
    return ['wrong_action', `it says ${line.action}; the first says created, and no other does`];
  if (id !== manifest.package.id || version !== manifest.package.version || manifest_sha256 !== digest)
    return ['other_package', `it is of ${id} ${version} (${manifest_sha256.slice(0, 12)}), another package`];
  if (line.previous !== (before === undefined ? CUSTODY_START : custodyHash(before)))
    return ['wrong_previous', 'it does not follow on the line before'];
  if (line.certificate !== undefined && !isCertificateOf(line.certificate, line.by.node_id))
    return ['wrong_certificate', `its certificate is not one of ${line.by.node_id}`];
  if (!isSignedBy(SIGNING_CONTEXTS.custody, line, line.by.node_id))
    return ['wrong_signature', `${line.by.node_id} did not sign it`];
  return undefined;
}

function isCertificateOf(certificate: NodeCertificate, nodeId: NodeId): boolean {
  return certificate.node_id === nodeId && isSignedBy(SIGNING_CONTEXTS.certificate, certificate, certificate.mesh_id);
}

/** Certificates end; what counts is whether it held when the line says that it was written. */
function standingOf({ certificate, at, by }: CustodyLine, trust: CustodyTrust): CustodyStanding {
  if (certificate === undefined) return 'uncertified';
  const { mesh_id, issued_at, expires_at } = certificate;
  if (mesh_id !== trust.ownMesh && !trust.trustedMeshes.includes(mesh_id)) return 'outside';
  if (trust.isRevoked(by.node_id, mesh_id)) return 'revoked';
  const time = Date.parse(at);
  return time < expires_at && time + SECONDS_CUT_OFF >= issued_at ? 'member' : 'expired';
}

/** Lines have whole seconds. */
const SECONDS_CUT_OFF = 1000;

function split(given: string | Uint8Array | undefined): string[] {
  if (given === undefined) throw broken(1, 'missing', 'the package has none');
  try {
    return splitCustody(given);
  } catch (cause) {
    throw broken(1, 'unreadable', messageOf(cause), cause);
  }
}

function parse(text: string, line: number): CustodyLine {
  try {
    return parseCustodyLine(text);
  } catch (cause) {
    throw broken(line, 'unreadable', messageOf(cause), cause);
  }
}

function broken(line: number, reason: CustodyFlaw, what: string, cause?: unknown): AtmoError {
  return new AtmoError('custody_broken', `Checking custody.jsonl, line ${line}: ${what}`, {
    ...{ data: { line, reason }, cause },
  });
}
