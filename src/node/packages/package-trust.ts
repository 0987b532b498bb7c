/**
 * Whose packages are taken here: those of the own mesh, of meshes that the owner added, and, where founders were added, only with the
 * signature of one of them. Without a word of the owner nobody else's. Spec: docs/spec/21-packages.md §6, §8.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  assertGood,
  founderKeyOf,
  type PackageSigner,
  type PackageSource,
  type PackageTrust,
  publicKeyOfFounder,
  verifyPackage,
  verifyPackageSignature,
} from '../../atmo/index.ts';
import { type Clock, isMeshId, isNodeId, type MeshId } from '../../core/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { PackageManifest } from '../../protocol/index.ts';
import type { PackageRepository, TrustedParty } from '../../registry/index.ts';
import { rolesWith } from '../../trust/index.ts';
import type { AccessPolicy } from '../access/access-policy.ts';
import { PackageError } from './errors.ts';
import type { PackageJudge, SignedBy } from './install-ports.ts';
import { PACKAGE_LIMITS } from './limits.ts';
import { verifyMesh } from './plan-install.ts';

export interface PackageTrustBookOptions {
  readonly mesh: Pick<Mesh, 'meshId' | 'isRevoked'>;
  readonly access: Pick<AccessPolicy, 'current'>;
  readonly trusted: PackageRepository['trust'];
  /** What is in force. */
  readonly rows: Pick<PackageRepository, 'get'>;
  readonly clock: Clock;
}

export class PackageTrustBook implements PackageJudge {
  readonly #options: PackageTrustBookOptions;

  constructor(options: PackageTrustBookOptions) {
    this.#options = options;
  }

  list(): readonly TrustedParty[] {
    return this.#options.trusted.list();
  }

  verify(manifest: PackageManifest): SignedBy {
    const signed = toSignedBy(verifyPackageSignature(manifest, this.#trust()));
    const { id, version } = manifest.package;
    verifyMesh({ id, version, meshId: signed.meshId }, this.#options.rows.get(id)?.current);
    return signed;
  }

  async check(source: PackageSource, signal?: AbortSignal): Promise<SignedBy> {
    const report = await verifyPackage(source, { trust: this.#trust(), quick: true, signal });
    assertGood(report);
    if (report.signer === undefined) throw new TypeError('a package without a flaw has a signer');
    return toSignedBy(report.signer);
  }

  /** Throws PackageError `trust_unusable`. */
  addMesh(meshId: string, name: string): void {
    if (!isMeshId(meshId))
      throw new PackageError(
        'trust_unusable',
        `Trusting ${shown(meshId)}: that is no mesh id; \`status\` there shows it`,
      );
    this.#add('mesh', meshId, name);
  }

  /** Throws PackageError `trust_unusable`. */
  addFounder(pem: string, name: string): string {
    const id = founderKeyOf(readKey(pem));
    this.#add('founder', id, name);
    return id;
  }

  /** Throws PackageError `trust_not_found`. */
  remove(id: string): void {
    const { trusted } = this.#options;
    if (trusted.delete('mesh', id) || trusted.delete('founder', id)) return;
    throw new PackageError('trust_not_found', `Trusting ${shown(id)} no more: it was not trusted`);
  }

  #add(kind: TrustedParty['kind'], id: string, name: string): void {
    const { trusted, clock } = this.#options;
    if (trusted.list().length >= PACKAGE_LIMITS.trustedParties)
      throw new PackageError(
        'trust_unusable',
        `Trusting ${shown(id)}: ${PACKAGE_LIMITS.trustedParties} are trusted already`,
      );
    trusted.put({ kind, id, name, addedAtMs: clock.nowMs() });
  }

  /** Of other meshes only what their certificates say is known here; revocations of the own mesh count. */
  #trust(): PackageTrust {
    const { mesh, access, clock } = this.#options;
    const parties = this.list();
    return {
      ownMesh: mesh.meshId,
      trustedMeshes: parties.filter(({ kind }) => kind === 'mesh').map(({ id }) => id as MeshId),
      isRevoked: (nodeId, meshId) => meshId === mesh.meshId && mesh.isRevoked(nodeId),
      founders: parties.filter(({ kind }) => kind === 'founder').map(({ id }) => publicKeyOfFounder(id)),
      nowMs: clock.nowMs(),
      rolesThatMayWrite: rolesWith('write', access.current, '*'),
      rolesThatMayWriteOne: (id) => rolesWith('write', access.current, id),
    };
  }
}

/** What the mesh's authority signed this node's owner answers for; a node of another mesh has no rights here. */
function toSignedBy({ meshId, signer, isOwnMesh }: PackageSigner): SignedBy {
  const author = isOwnMesh && !isNodeId(signer) ? undefined : signer;
  return { meshId, signer, author };
}

function readKey(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Below.
  }
  throw new PackageError('trust_unusable', 'Trusting a founder: that is no Ed25519 public key in PEM');
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
