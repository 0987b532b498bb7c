/**
 * Whom the node of a home believes, read without a daemon and without writing. What cannot be read counts as said by nobody: less is trusted
 * then, never more. Spec: docs/spec/21-packages.md §6.
 */
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { PackageTrust } from '../../atmo/index.ts';
import { isMeshId, type MeshId, type NodeId } from '../../core/index.ts';
import { type ModelAccess, parseModelAccess, parseRevocation } from '../../protocol/index.ts';
import { type Beliefs, readBeliefs } from '../../registry/index.ts';
import { type Identity, isRevocationSigned, publicKeyFromBytes, readIdentity, rolesWith } from '../../trust/index.ts';

const DATABASE = join('db', 'atmosphere.sqlite');

/** Undefined where no node has ever been: nobody said whom to trust. Throws TrustError. */
export function readHomeTrust(home: string, nowMs: number): PackageTrust | undefined {
  const identity = readIdentity(home);
  if (identity === undefined) return undefined;
  const beliefs = readBeliefs(join(home, DATABASE)) ?? NOBODY;
  const policy = policyOf(beliefs, identity);
  const revoked = new Set(beliefs.revocations.flatMap((record) => revokedBy(record.payload)));
  return {
    ownMesh: identity.meshId,
    trustedMeshes: beliefs.trusted.flatMap(({ kind, id }) => (kind === 'mesh' && isMeshId(id) ? [id] : [])),
    founders: beliefs.trusted.flatMap(({ kind, id }) => (kind === 'founder' ? (keyOf(id) ?? []) : [])),
    isRevoked: (nodeId, meshId) => revoked.has(nameOf(nodeId, meshId)),
    rolesThatMayWrite: rolesWith('write', policy, '*'),
    rolesThatMayWriteOne: (id) => rolesWith('write', policy, id),
    nowMs,
  };
}

const NOBODY: Beliefs = { trusted: [], revocations: [], policy: undefined };

function nameOf(nodeId: NodeId, meshId: MeshId): string {
  return `${meshId} ${nodeId}`;
}

/** What the authority did not sign revokes nobody. */
function revokedBy(payload: unknown): string[] {
  try {
    const revocation = parseRevocation(payload);
    return isRevocationSigned(revocation, revocation.mesh_id) ? [nameOf(revocation.node_id, revocation.mesh_id)] : [];
  } catch {
    return [];
  }
}

function policyOf({ policy }: Beliefs, { meshId }: Identity): ModelAccess | undefined {
  const kept = policy as { readonly mesh_id?: unknown; readonly policy?: unknown } | undefined;
  if (kept?.mesh_id !== meshId) return undefined;
  try {
    return parseModelAccess(kept.policy);
  } catch {
    return undefined;
  }
}

/** 32 bytes in base64. */
function keyOf(id: string): KeyObject | undefined {
  const bytes = Buffer.from(id.replace(/^ed25519:/, ''), 'base64');
  return bytes.length === 32 ? publicKeyFromBytes(bytes) : undefined;
}
