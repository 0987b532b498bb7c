/** Proofs that both sides of a join know the invite's secret, without showing it. Spec: docs/spec/03-trust.md §6. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { MeshId, NodeId } from '../core/index.ts';

export interface JoinTranscript {
  readonly joiner: NodeId;
  readonly inviter: NodeId;
  readonly joinerNonce: string;
  readonly inviterNonce: string;
  readonly meshId: MeshId;
  readonly inviteId: string;
}
export type JoinSide = 'joiner' | 'inviter';

export function makeJoinProof(secretHex: string, side: JoinSide, transcript: JoinTranscript): string {
  const { joiner, inviter, joinerNonce, inviterNonce, meshId, inviteId } = transcript;
  const key = hkdfSync(
    'sha256',
    Buffer.from(secretHex, 'hex'),
    Buffer.from(inviteId, 'hex'),
    Buffer.from('atmosphere/join/v1'),
    32,
  );
  const said = [side, joiner, inviter, joinerNonce, inviterNonce, meshId, inviteId].join('\n');
  return createHmac('sha256', Buffer.from(key)).update(said).digest('hex');
}

/** Compares in constant time. */
export function isJoinProof(proof: string, secretHex: string, side: JoinSide, transcript: JoinTranscript): boolean {
  const wanted = Buffer.from(makeJoinProof(secretHex, side, transcript), 'hex');
  const given = Buffer.from(proof, 'hex');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
