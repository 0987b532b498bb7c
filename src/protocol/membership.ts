/** What two nodes say before they trust each other: hello and join. Spec: docs/spec/03-trust.md §6, §8. */
import { z } from 'zod';
import { meshIdSchema, parseAs } from './certificate.ts';
import { recordSchema } from './record.ts';

/** Why an admission or a join was refused: a closed set, told to the other side. */
export const REFUSAL_REASONS = [
  'malformed',
  'other_mesh',
  'not_certified',
  'certificate_expired',
  'revoked',
  'unknown_invite',
  'invite_expired',
  'invite_used_up',
  'invite_locked',
  'wrong_proof',
  'already_member',
  'too_many_attempts',
  'not_accepting',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

const nonce = z.string().regex(/^[0-9a-f]{64}$/, 'not 32 bytes in hex');
const proof = z.string().regex(/^[0-9a-f]{64}$/, 'not 32 bytes in hex');
export const inviteIdSchema = z.string().regex(/^[0-9a-f]{16}$/, 'not 8 bytes in hex');

const refusalSchema = z.object({ type: z.literal('refusal'), reason: z.enum(REFUSAL_REASONS) });
export type Refusal = z.infer<typeof refusalSchema>;

const helloSchema = z.object({
  type: z.literal('hello'),
  mesh_id: meshIdSchema,
  /** The authority's record of kind `certificate` for the sender. */
  certificate: recordSchema,
});
export type Hello = z.infer<typeof helloSchema>;

const joinRequestSchema = z.object({
  type: z.literal('join_request'),
  mesh_id: meshIdSchema,
  invite_id: inviteIdSchema,
  nonce,
  /** The label that the joiner asks for in its certificate. */
  name: z.string().min(1).max(64),
});
export type JoinRequest = z.infer<typeof joinRequestSchema>;

const joinProofSchema = z.object({ type: z.literal('join_proof'), invite_id: inviteIdSchema, proof });
export type JoinProofMessage = z.infer<typeof joinProofSchema>;

const joinChallengeSchema = z.object({ type: z.literal('join_challenge'), nonce, proof });
export type JoinChallenge = z.infer<typeof joinChallengeSchema>;

const joinAcceptSchema = z.object({
  type: z.literal('join_accept'),
  mesh_name: z.string().min(1).max(64),
  certificate: recordSchema,
});
export type JoinAccept = z.infer<typeof joinAcceptSchema>;

const helloReply = z.union([helloSchema, refusalSchema]);
const joinMessage = z.union([joinRequestSchema, joinProofSchema]);
const joinReply = z.union([joinChallengeSchema, joinAcceptSchema, refusalSchema]);

export function toRefusal(reason: RefusalReason): Refusal {
  return { type: 'refusal', reason };
}

/** A hello, or the refusal that answers one. Throws ProtocolError `malformed`. */
export function parseHello(value: unknown): Hello | Refusal {
  return parseAs(helloReply, value, 'a hello');
}

/** What the joiner sends. Throws ProtocolError `malformed`. */
export function parseJoinMessage(value: unknown): JoinRequest | JoinProofMessage {
  return parseAs(joinMessage, value, 'a join message');
}

/** What the inviter answers. Throws ProtocolError `malformed`. */
export function parseJoinReply(value: unknown): JoinChallenge | JoinAccept | Refusal {
  return parseAs(joinReply, value, 'an answer to a join');
}
