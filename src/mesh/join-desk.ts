/**
 * The inviter's side of a join. Spec: docs/spec/03-trust.md §6. Everything that arrives here is from a stranger.
 * Rules: an invite's counts are in the store before the answer leaves; a challenge serves once; a stranger learns of an
 * invite's state only with its id, and of its secret never.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, MeshId, NodeId } from '../core/index.ts';
import {
  type JoinAccept,
  type JoinChallenge,
  type JoinProofMessage,
  type JoinRequest,
  parseJoinMessage,
  type Refusal,
  type RefusalReason,
  type SignedRecord,
  toRefusal,
} from '../protocol/index.ts';
import { isJoinProof, type JoinTranscript, makeJoinProof } from '../trust/index.ts';
import { MESH_LIMITS } from './limits.ts';
import type { InviteStore, StoredInvite } from './ports.ts';
import { TokenBuckets } from './token-bucket.ts';

export const JOIN_PROTOCOL = '/atmosphere/join/1';

export interface JoinDeskOptions {
  readonly meshId: MeshId;
  readonly meshName: string;
  readonly nodeId: NodeId;
  readonly invites: InviteStore;
  readonly clock: Clock;
  readonly isRevoked: (nodeId: NodeId) => boolean;
  /** The certificate record that a node already has. */
  readonly certificateRecordOf: (nodeId: NodeId) => SignedRecord | undefined;
  /** Certifies the node and publishes the record. */
  readonly certify: (nodeId: NodeId, role: string, name: string) => SignedRecord;
}

interface Challenge {
  readonly transcript: JoinTranscript;
  readonly name: string;
  readonly endsAtMs: number;
}

type Answer = JoinChallenge | JoinAccept | Refusal;

export class JoinDesk {
  readonly #options: JoinDeskOptions;
  readonly #challenges = new Map<NodeId, Challenge>();
  /** Who was let in by which invite in this run, for a joiner that lost the answer. */
  readonly #joinedBy = new Map<NodeId, string>();
  readonly #ratePerPeer: TokenBuckets<NodeId>;
  readonly #rateInAll: TokenBuckets<'all'>;

  constructor(options: JoinDeskOptions) {
    this.#options = options;
    this.#ratePerPeer = new TokenBuckets(perMinute(MESH_LIMITS.joinAttemptsPerPeer), options.clock);
    this.#rateInAll = new TokenBuckets(perMinute(MESH_LIMITS.joinAttemptsInAll), options.clock);
  }

  /** Is there an invite to talk about? Ended ones are, for a while: their holders are told why they are refused. */
  isOpen(): boolean {
    const { invites, meshId } = this.#options;
    return invites.list().some((invite) => invite.meshId === meshId);
  }

  /** Drops invites whose end is long past. */
  forgetOld(): void {
    const { invites, clock } = this.#options;
    const endedBefore = clock.nowMs() - MESH_LIMITS.inviteRememberedMs;
    for (const invite of invites.list()) if (invite.expiresAtMs < endedBefore) invites.delete(invite.inviteId);
  }

  /** Throws ProtocolError `malformed`. */
  answer(from: NodeId, value: unknown): Answer {
    const message = parseJoinMessage(value);
    const refusal = this.#checkAsker(from);
    if (refusal !== undefined) return toRefusal(refusal);
    return message.type === 'join_request' ? this.#challenge(from, message) : this.#verify(from, message);
  }

  #checkAsker(from: NodeId): RefusalReason | undefined {
    if (!this.isOpen()) return 'not_accepting';
    if (this.#options.isRevoked(from)) return 'revoked';
    const waits = [this.#ratePerPeer.take(from), this.#rateInAll.take('all')];
    return waits.some((waitMs) => waitMs > 0) ? 'too_many_attempts' : undefined;
  }

  #challenge(from: NodeId, request: JoinRequest): Answer {
    const { meshId, nodeId, clock } = this.#options;
    if (request.mesh_id !== meshId) return toRefusal('other_mesh');
    const invite = this.#options.invites.get(request.invite_id);
    const flaw = this.#flawFor(from, request.invite_id, invite);
    if (flaw !== undefined || invite === undefined) return toRefusal(flaw ?? 'unknown_invite');
    const nonce = randomBytes(32).toString('hex');
    const transcript: JoinTranscript = {
      joiner: from,
      inviter: nodeId,
      joinerNonce: request.nonce,
      inviterNonce: nonce,
      meshId,
      inviteId: request.invite_id,
    };
    this.#remember(from, {
      transcript,
      name: request.name,
      endsAtMs: clock.monotonicMs() + MESH_LIMITS.joinChallengeMs,
    });
    return { type: 'join_challenge', nonce, proof: makeJoinProof(invite.secretHex, 'inviter', transcript) };
  }

  #verify(from: NodeId, message: JoinProofMessage): Answer {
    const challenge = this.#challenges.get(from);
    this.#challenges.delete(from);
    const invite = this.#options.invites.get(message.invite_id);
    const flaw = this.#flawFor(from, message.invite_id, invite);
    if (flaw !== undefined || invite === undefined) return toRefusal(flaw ?? 'unknown_invite');
    const fits = challenge !== undefined && challenge.transcript.inviteId === message.invite_id;
    if (!fits || challenge.endsAtMs < this.#options.clock.monotonicMs()) return toRefusal('wrong_proof');
    if (isJoinProof(message.proof, invite.secretHex, 'joiner', challenge.transcript)) {
      return this.#admit(from, invite, challenge.name);
    }
    this.#options.invites.put({ ...invite, failures: invite.failures + 1 });
    return toRefusal('wrong_proof');
  }

  #admit(from: NodeId, invite: StoredInvite, name: string): JoinAccept {
    const { invites, certify, certificateRecordOf, meshName } = this.#options;
    const again = this.#joinedBy.get(from) === invite.inviteId ? certificateRecordOf(from) : undefined;
    if (again !== undefined) return { type: 'join_accept', mesh_name: meshName, certificate: again };
    invites.put({ ...invite, usesLeft: invite.usesLeft - 1 });
    this.#joinedBy.set(from, invite.inviteId);
    return { type: 'join_accept', mesh_name: meshName, certificate: certify(from, invite.role, name) };
  }

  /** What speaks against this node using this invite now. */
  #flawFor(from: NodeId, inviteId: string, invite: StoredInvite | undefined): RefusalReason | undefined {
    if (invite === undefined || invite.meshId !== this.#options.meshId) return 'unknown_invite';
    const returning = this.#joinedBy.get(from) === inviteId;
    const flaw = this.#flawOf(invite);
    return flaw === 'invite_used_up' && returning ? undefined : flaw;
  }

  #flawOf(invite: StoredInvite): RefusalReason | undefined {
    if (invite.failures >= MESH_LIMITS.inviteFailures) return 'invite_locked';
    if (invite.expiresAtMs <= this.#options.clock.nowMs()) return 'invite_expired';
    return invite.usesLeft <= 0 ? 'invite_used_up' : undefined;
  }

  #remember(from: NodeId, challenge: Challenge): void {
    this.#challenges.delete(from);
    this.#challenges.set(from, challenge);
    for (const oldest of this.#challenges.keys()) {
      if (this.#challenges.size <= MESH_LIMITS.joinChallengesOpen) return;
      this.#challenges.delete(oldest);
    }
  }
}

function perMinute(count: number) {
  return { burst: count, perSecond: count / 60 };
}
