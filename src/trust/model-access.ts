/**
 * Who may read, write, deploy and ship code of which model. Spec: docs/spec/20-access.md §1. Pure: the policy says it, and where
 * there is none, the defaults do. Asked by the node that serves or applies, with the role of the other's certificate.
 */
import type { NodeId } from '../core/index.ts';
import type { AccessEntry, ModelAccess, NodeCertificate, SignedRecord } from '../protocol/index.ts';

export const MODEL_RIGHTS = ['read', 'write', 'deploy', 'ship_code'] as const;
export type ModelRight = (typeof MODEL_RIGHTS)[number];

/** In place of a role: each of them. In place of a model: those without an entry of their own. */
const ANY = '*';

const DEFAULTS: Readonly<Record<ModelRight, readonly string[]>> = {
  read: [ANY],
  write: ['admin', 'publisher'],
  deploy: ['admin', 'publisher', 'gateway'],
  ship_code: [],
};

/** The roles that have a right; `*` among them means all. */
export function rolesWith(right: ModelRight, policy: ModelAccess | undefined, modelId: string): readonly string[] {
  return entryOf(policy, modelId)?.[right] ?? entryOf(policy, ANY)?.[right] ?? DEFAULTS[right];
}

export function mayRead(policy: ModelAccess | undefined, modelId: string, role: string): boolean {
  return hasRight('read', policy, modelId, role);
}

/** May its signature stand under the model's manifest? */
export function mayWrite(policy: ModelAccess | undefined, modelId: string, role: string): boolean {
  return hasRight('write', policy, modelId, role);
}

/** May it order where the model should be? */
export function mayDeploy(policy: ModelAccess | undefined, modelId: string, role: string): boolean {
  return hasRight('deploy', policy, modelId, role);
}

/** May it sign a model whose format runs code when it is loaded? */
export function mayShipCode(policy: ModelAccess | undefined, modelId: string, role: string): boolean {
  return hasRight('ship_code', policy, modelId, role);
}

export interface PolicyContext {
  readonly certificateOf: (nodeId: NodeId) => Pick<NodeCertificate, 'role'> | undefined;
  readonly isRevoked: (nodeId: NodeId) => boolean;
}

/** The one record that counts of several admins': the newest; of two made in the same millisecond, the larger author's. */
export function policyInForce(records: readonly SignedRecord[], context: PolicyContext): SignedRecord | undefined {
  const byAdmins = records.filter(({ kind, author }) => kind === 'access' && isAdmin(author as NodeId, context));
  return byAdmins.reduce<SignedRecord | undefined>(
    (best, next) => (best === undefined || isLater(next, best) ? next : best),
    undefined,
  );
}

function isAdmin(nodeId: NodeId, { certificateOf, isRevoked }: PolicyContext): boolean {
  return !isRevoked(nodeId) && certificateOf(nodeId)?.role === 'admin';
}

function hasRight(right: ModelRight, policy: ModelAccess | undefined, modelId: string, role: string): boolean {
  const roles = rolesWith(right, policy, modelId);
  return roles.includes(ANY) || roles.includes(role);
}

/** A model may be called `__proto__`. */
function entryOf(policy: ModelAccess | undefined, modelId: string): AccessEntry | undefined {
  return policy !== undefined && Object.hasOwn(policy.models, modelId) ? policy.models[modelId] : undefined;
}

function isLater(one: SignedRecord, other: SignedRecord): boolean {
  return one.issued_at === other.issued_at ? one.author > other.author : one.issued_at > other.issued_at;
}
