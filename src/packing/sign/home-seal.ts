/**
 * The keys of a home, as who vouches for packages: the authority’s where it is there, else the node’s with its certificate. The keys stay in
 * here. Spec: docs/spec/21-packages.md §6, §7.
 */
import type { KeyObject } from 'node:crypto';
import { appendCustody, packageSigningOf, signPackage } from '../../atmo/index.ts';
import type { PackageManifest } from '../../protocol/index.ts';
import { checkCertificateTimes, type Identity, mayWrite, readIdentity } from '../../trust/index.ts';
import { PackingError } from '../errors.ts';
import type { Hand, HandOver, Seal, UnsignedManifest } from './seal.ts';

export interface HomeSealOptions {
  readonly home: string;
  readonly founderKey?: KeyObject | undefined;
  readonly nowMs: number;
}

/** Throws PackingError `cannot_sign` where its signature would not count; TrustError. */
export function openHomeSeal({ home, founderKey, nowMs }: HomeSealOptions): Seal {
  const identity = readMaker(home);
  if (identity.authority === undefined) assertMaySign(identity, nowMs);
  return new HomeSeal(identity, founderKey);
}

/** For who hands a package on: no right is needed to say that one did. Throws as `openHomeSeal`. */
export function openHand(home: string): Hand {
  return new HomeSeal(readMaker(home), undefined);
}

function readMaker(home: string): Identity {
  const identity = readIdentity(home);
  if (identity !== undefined) return identity;
  throw new PackingError('cannot_sign', `Looking for keys in ${home}: no node has ever been started there`, {
    data: { try: 'atmosphere up --detach' },
  });
}

function assertMaySign({ certificate, meshName }: Identity, nowMs: number): void {
  const flaw = checkCertificateTimes(certificate, nowMs, () => false);
  if (flaw !== undefined)
    throw new PackingError(
      'cannot_sign',
      `Signing for ${meshName}: this node’s certificate is ${flaw.replaceAll('_', ' ')}`,
    );
  if (mayWrite(undefined, '*', certificate.role)) return;
  throw new PackingError(
    'cannot_sign',
    `Signing for ${meshName}: the role ${certificate.role} of this node may write no models; wanted the authority’s key, or a node that is admin or publisher`,
  );
}

class HomeSeal implements Seal {
  readonly #identity: Identity;
  readonly #founder: KeyObject | undefined;

  constructor(identity: Identity, founder: KeyObject | undefined) {
    this.#identity = identity;
    this.#founder = founder;
  }

  get nodeName(): string {
    return this.#identity.certificate.name;
  }

  seal(manifest: UnsignedManifest): PackageManifest {
    return signPackage(manifest, { ...packageSigningOf(this.#identity), founder: this.#founder });
  }

  custody(manifest: PackageManifest, { action, nowMs, to }: HandOver, before: string): string {
    const { nodeId, nodeKey, certificate } = this.#identity;
    return appendCustody(before, {
      ...{ action, manifest, to, certificate, by: { nodeId, name: this.nodeName } },
      // What a package was made of may be older than this node; no line is from before its certificate.
      nowMs: Math.max(nowMs, certificate.issued_at),
      signer: { id: nodeId, privateKey: nodeKey },
    });
  }
}
