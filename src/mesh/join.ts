/** The joiner's side of a join. Spec: docs/spec/03-trust.md §6. Nothing is believed before the inviter's proof. */
import { randomBytes } from 'node:crypto';
import type { Clock, NodeId } from '../core/index.ts';
import { type JoinAccept, parseJoinReply, type RefusalReason, type SignedRecord } from '../protocol/index.ts';
import {
  certificateOfRecord,
  type InviteCode,
  isJoinProof,
  isRecordSigned,
  type JoinTranscript,
  makeJoinProof,
  verifyCertificate,
} from '../trust/index.ts';
import { MeshError } from './errors.ts';
import { JOIN_PROTOCOL } from './join-desk.ts';
import type { Meeting } from './transport.ts';

export interface JoinGrant {
  readonly meshName: string;
  readonly certificateRecord: SignedRecord;
}

export interface JoinAsk {
  readonly code: InviteCode;
  readonly nodeId: NodeId;
  readonly name: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Throws MeshError `join_refused`, `inviter_unproven`, `request_failed`; TrustError `certificate_invalid`. */
export async function askToJoin(meeting: Meeting, ask: JoinAsk): Promise<JoinGrant> {
  const { code } = ask;
  const options = ask.signal === undefined ? {} : { signal: ask.signal };
  const nonce = randomBytes(32).toString('hex');
  const request = { type: 'join_request', mesh_id: code.meshId, invite_id: code.inviteId, nonce, name: ask.name };
  const challenge = parseJoinReply(await meeting.ask(JOIN_PROTOCOL, request, options));
  if (challenge.type === 'refusal') throw joinRefused(challenge.reason);
  if (challenge.type !== 'join_challenge') throw outOfTurn(challenge.type);
  const transcript = toTranscript(ask, nonce, challenge.nonce);
  if (!isJoinProof(challenge.proof, code.secretHex, 'inviter', transcript)) {
    throw new MeshError('inviter_unproven', `Joining by ${code.inviter}: it does not know the invite's secret`);
  }
  const proof = makeJoinProof(code.secretHex, 'joiner', transcript);
  const message = { type: 'join_proof', invite_id: code.inviteId, proof };
  const accept = parseJoinReply(await meeting.ask(JOIN_PROTOCOL, message, options));
  if (accept.type === 'refusal') throw joinRefused(accept.reason);
  if (accept.type !== 'join_accept') throw outOfTurn(accept.type);
  return toGrant(accept, ask);
}

/** The words for people are the CLI's; `data.reason` is for programs. */
export function joinRefused(reason: RefusalReason): MeshError {
  return new MeshError('join_refused', `Joining the mesh: the inviter refused: ${REASON_TEXTS[reason] ?? reason}`, {
    data: { reason },
  });
}

const REASON_TEXTS: Partial<Record<RefusalReason, string>> = {
  unknown_invite: 'it does not know this invite (it was withdrawn, or the code is of another node)',
  invite_expired: 'the invite’s time is over',
  invite_used_up: 'the invite has been used',
  invite_locked: 'the invite is locked after too many wrong tries',
  wrong_proof: 'the code’s secret is wrong',
  revoked: 'this node was put out of that mesh',
  too_many_attempts: 'too many tries; wait a minute',
  not_accepting: 'it has no open invite',
};

function toTranscript({ code, nodeId }: JoinAsk, joinerNonce: string, inviterNonce: string): JoinTranscript {
  const { inviter, meshId, inviteId } = code;
  return { joiner: nodeId, inviter, joinerNonce, inviterNonce, meshId, inviteId };
}

function toGrant({ certificate: record, mesh_name }: JoinAccept, { code, nodeId, clock }: JoinAsk): JoinGrant {
  const certificate = certificateOfRecord(record);
  verifyCertificate(certificate, code.meshId, clock.nowMs(), () => false);
  const isOurs = certificate.node_id === nodeId && record.key === nodeId && record.author === code.meshId;
  if (!isOurs || !isRecordSigned(record)) throw outOfTurn('a certificate for somebody else');
  return { meshName: mesh_name, certificateRecord: record };
}

function outOfTurn(got: string): MeshError {
  return new MeshError('request_failed', `Joining the mesh: the inviter answered ${got} out of turn`);
}
