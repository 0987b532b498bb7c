/**
 * The keys of a home, as who vouches for packages: the authority’s where it is there, else the node’s with its certificate. The keys stay in
 * here. Spec: docs/spec/21-packages.md §6, §7.
 */
import { type KeyObject, sign } from 'node:crypto';
import {
  CUSTODY_START,
  type CustodyLine,
  custodyHash,
  type PackageManifest,
  type PackageSignatures,
  packageDigest,
  packageSigningBytes,
  SIGNING_CONTEXTS,
  splitCustody,
} from '../../protocol/index.ts';
import {
  checkCertificateTimes,
  type Identity,
  mayAuthor,
  publicBytesOf,
  readIdentity,
  signObject,
} from '../../trust/index.ts';
import { PackingError } from '../errors.ts';
import type { HandOver, Seal, UnsignedManifest } from './seal.ts';

export interface HomeSealOptions {
  readonly home: string;
  readonly founderKey?: KeyObject | undefined;
  readonly nowMs: number;
}

/** Whose home it is. Throws PackingError `cannot_sign` where no node has ever been there; TrustError. */
export function readMaker(home: string): Identity {
  const identity = readIdentity(home);
  if (identity !== undefined) return identity;
  throw new PackingError('cannot_sign', `Looking for keys in ${home}: no node has ever been started there`, {
    data: { try: 'atmosphere up --detach' },
  });
}

/** Throws PackingError `cannot_sign` where its signature would not count. */
export function openHomeSeal({ home, founderKey, nowMs }: HomeSealOptions): Seal {
  const identity = readMaker(home);
  if (identity.authority === undefined) assertMaySign(identity, nowMs);
  return new HomeSeal(identity, founderKey);
}

/** For who hands a package on: no right is needed to say that one did. */
export function openHandOver(home: string): Pick<Seal, 'nodeName' | 'custody'> {
  return new HomeSeal(readMaker(home), undefined);
}

function assertMaySign({ certificate, meshName }: Identity, nowMs: number): void {
  const flaw = checkCertificateTimes(certificate, nowMs, () => false);
  if (flaw !== undefined)
    throw new PackingError(
      'cannot_sign',
      `Signing for ${meshName}: this node’s certificate is ${flaw.replaceAll('_', ' ')}`,
    );
  if (mayAuthor(certificate.role, 'manifest')) return;
  throw new PackingError(
    'cannot_sign',
    `Signing for ${meshName}: the role ${certificate.role} of this node may write no models; wanted the authority’s key, or a node that is admin or publisher`,
  );
}

class HomeSeal implements Seal {
  readonly #identity: Identity;
  readonly #founderKey: KeyObject | undefined;

  constructor(identity: Identity, founderKey: KeyObject | undefined) {
    this.#identity = identity;
    this.#founderKey = founderKey;
  }

  get nodeName(): string {
    return this.#identity.certificate.name;
  }

  seal(manifest: UnsignedManifest): PackageManifest {
    const bytes = packageSigningBytes(manifest);
    return { ...manifest, signatures: { ...this.#meshWords(bytes), ...this.#founderWords(bytes) } };
  }

  custody(manifest: UnsignedManifest, { action, at, to }: HandOver, before: string): CustodyLine {
    const { nodeId, nodeKey, certificate } = this.#identity;
    const lines = splitCustody(before);
    const last = lines.at(-1);
    const { id, version } = manifest.package;
    const line = {
      ...{ type: 'custody' as const, seq: lines.length + 1, at, action, by: { node_id: nodeId, name: this.nodeName } },
      ...(to === undefined ? {} : { to }),
      package: { id, version, manifest_sha256: packageDigest(manifest) },
      previous: last === undefined ? CUSTODY_START : custodyHash(last),
      certificate,
    };
    return signObject(SIGNING_CONTEXTS.custody, line, { id: nodeId, privateKey: nodeKey }, Date.parse(at));
  }

  #meshWords(bytes: Buffer): PackageSignatures {
    const { authority, nodeId, nodeKey, meshId, certificate } = this.#identity;
    if (authority !== undefined)
      return { mesh_signature: signed(bytes, authority.privateKey), mesh_signer: meshId, mesh_id: meshId };
    const words = { mesh_signer: nodeId, mesh_id: meshId, mesh_certificate: certificate };
    return { mesh_signature: signed(bytes, nodeKey), ...words };
  }

  #founderWords(bytes: Buffer): PackageSignatures {
    if (this.#founderKey === undefined) return {};
    const key = publicBytesOf(this.#founderKey).toString('base64');
    return { founder_signature: signed(bytes, this.#founderKey), founder_key: `ed25519:${key}` };
  }
}

function signed(bytes: Buffer, key: KeyObject): string {
  return `ed25519:${sign(null, bytes, key).toString('base64')}`;
}
