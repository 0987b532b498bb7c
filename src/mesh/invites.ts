/** Invites of this node's mesh: a code for the one who is let in, its secret kept for the join. Spec: docs/spec/03-trust.md §5. */
import { randomBytes } from 'node:crypto';
import type { Clock, MeshId, NodeId } from '../core/index.ts';
import { isRole } from '../protocol/index.ts';
import { encodeInviteCode } from '../trust/index.ts';
import { MeshError } from './errors.ts';
import { MESH_LIMITS } from './limits.ts';
import type { InviteStore } from './ports.ts';

export interface InviteRequest {
  readonly role?: string;
  readonly ttlMs?: number;
  readonly uses?: number;
}

export interface Invite {
  readonly code: string;
  readonly role: string;
  readonly expiresAtMs: number;
  readonly uses: number;
}

export interface Inviter {
  readonly meshId: MeshId;
  readonly nodeId: NodeId;
  readonly addresses: readonly string[];
  readonly invites: InviteStore;
  readonly clock: Clock;
}

/** Throws MeshError `invalid_invite`. */
export function makeInvite({ meshId, nodeId, addresses, invites, clock }: Inviter, request: InviteRequest): Invite {
  const { role = 'member', ttlMs = MESH_LIMITS.inviteDefaultLifeMs, uses = 1 } = request;
  verifyInvite(role, ttlMs, uses, invites.list().length);
  // A code carries whole seconds.
  const expiresAtMs = Math.floor((clock.nowMs() + ttlMs) / 1000) * 1000;
  const inviteId = randomBytes(8).toString('hex');
  const secretHex = randomBytes(16).toString('hex');
  invites.put({ inviteId, meshId, role, secretHex, expiresAtMs, usesLeft: uses, failures: 0 });
  const code = encodeInviteCode({ meshId, inviter: nodeId, inviteId, secretHex, expiresAtMs, addresses });
  return { code, role, expiresAtMs, uses };
}

function verifyInvite(role: string, ttlMs: number, uses: number, open: number): void {
  const goodTime = ttlMs >= 1000 && ttlMs <= MESH_LIMITS.inviteMaxLifeMs;
  const goodUses = Number.isInteger(uses) && uses >= 1 && uses <= MESH_LIMITS.inviteMaxUses;
  if (isRole(role) && goodTime && goodUses && open < MESH_LIMITS.invitesOpen) return;
  throw new MeshError(
    'invalid_invite',
    `Inviting a node: role ${role}, ${ttlMs} ms, ${uses} uses, ${open} open invites`,
    {
      data: { role, ttlMs, uses, open },
    },
  );
}
