import { describe, expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import type { JoinAccept, JoinChallenge, Refusal, SignedRecord } from '../protocol/index.ts';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { isJoinProof, issueCertificateRecord, type JoinTranscript, makeJoinProof } from '../trust/index.ts';
import { JoinDesk } from './join-desk.ts';
import { MemoryInviteStore } from './memory-stores.ts';
import type { StoredInvite } from './ports.ts';

const SECRET = '000102030405060708090a0b0c0d0e0f';
const INVITE_ID = '0011223344556677';
const NONCE = 'ab'.repeat(32);
const refusal = (reason: string) => ({ type: 'refusal', reason });

function setUp(change: Partial<StoredInvite> = {}) {
  const clock = new VirtualClock();
  const mesh = makeTestMesh('desk', clock.nowMs());
  const meshId = mesh.authority.id;
  const inviter = mesh.member('inviter').nodeId;
  const joiners = Array.from({ length: 100 }, (_, index) => mesh.member(`joiner-${index}`).nodeId);
  const joiner = joiners[0] as NodeId;
  const invites = new MemoryInviteStore();
  const invite = { inviteId: INVITE_ID, meshId, role: 'edge', secretHex: SECRET, usesLeft: 1, failures: 0 };
  invites.put({ ...invite, expiresAtMs: clock.nowMs() + 60_000, ...change });
  const issued = new Map<NodeId, SignedRecord>();
  const revoked = new Set<NodeId>();
  const options = {
    meshId,
    meshName: 'plant',
    nodeId: inviter,
    invites,
    clock,
    isRevoked: (nodeId: NodeId) => revoked.has(nodeId),
    certificateRecordOf: (nodeId: NodeId) => issued.get(nodeId),
    certify: (nodeId: NodeId, role: string, name: string) => {
      const draft = { nodeId, role, name, serial: issued.size + 1, nowMs: clock.nowMs() };
      const record = issueCertificateRecord(mesh.authority, draft);
      issued.set(nodeId, record);
      return record;
    },
  };
  const desk = new JoinDesk(options);
  const request = (from: NodeId, more: object = {}) =>
    desk.answer(from, {
      type: 'join_request',
      mesh_id: meshId,
      invite_id: INVITE_ID,
      nonce: NONCE,
      name: 'bench',
      ...more,
    });
  const transcriptOf = (from: NodeId, challenge: JoinChallenge): JoinTranscript => ({
    joiner: from,
    inviter,
    joinerNonce: NONCE,
    inviterNonce: challenge.nonce,
    meshId,
    inviteId: INVITE_ID,
  });
  const join = (from: NodeId, secret = SECRET): JoinAccept | JoinChallenge | Refusal => {
    const challenge = request(from);
    if (challenge.type !== 'join_challenge') return challenge;
    const proof = makeJoinProof(secret, 'joiner', transcriptOf(from, challenge));
    return desk.answer(from, { type: 'join_proof', invite_id: INVITE_ID, proof });
  };
  return { clock, desk, invites, issued, revoked, joiner, joiners, request, transcriptOf, join, meshId, options };
}

describe('JoinDesk', () => {
  test('proves itself first, then certifies who knows the secret, by the invite’s role', () => {
    const { joiner, request, transcriptOf, join, issued } = setUp();
    const challenge = request(joiner) as JoinChallenge;
    expect(isJoinProof(challenge.proof, SECRET, 'inviter', transcriptOf(joiner, challenge))).toBe(true);
    expect(join(joiner)).toMatchObject({ type: 'join_accept', mesh_name: 'plant', certificate: { key: joiner } });
    expect(issued.get(joiner)?.payload).toMatchObject({ role: 'edge', name: 'bench' });
  });

  test('counts uses in the store, and gives a joiner that lost the answer its certificate again', () => {
    const { joiners, join, invites, options } = setUp({ usesLeft: 2 });
    const [a, b, c] = joiners as [NodeId, NodeId, NodeId];
    const first = join(a);
    expect(join(a)).toEqual(first);
    expect(invites.get(INVITE_ID)?.usesLeft).toBe(1);
    expect(join(b).type).toBe('join_accept');
    expect(join(c)).toEqual(refusal('invite_used_up'));
    const restarted = new JoinDesk(options);
    const ask = { type: 'join_request', mesh_id: options.meshId, invite_id: INVITE_ID, nonce: NONCE, name: 'x' };
    expect(restarted.answer(c, ask)).toEqual(refusal('invite_used_up'));
  });

  test('tells why it refuses', () => {
    const { clock, joiner, request, revoked, joiners, desk } = setUp();
    expect(request(joiner, { mesh_id: makeTestMesh('x').authority.id })).toEqual(refusal('other_mesh'));
    expect(request(joiner, { invite_id: 'ffffffffffffffff' })).toEqual(refusal('unknown_invite'));
    revoked.add(joiners[1] as NodeId);
    expect(request(joiners[1] as NodeId)).toEqual(refusal('revoked'));
    clock.jumpTo(clock.nowMs() + 60_000);
    expect(request(joiner)).toEqual(refusal('invite_expired'));
    clock.jumpTo(clock.nowMs() + 2 * 86_400_000);
    desk.forgetOld();
    expect(request(joiner)).toEqual(refusal('not_accepting'));
  });

  test('locks an invite after five wrong proofs, whoever made them', () => {
    const { joiners, join, invites } = setUp();
    const wrong = 'ff'.repeat(16);
    const answers = joiners.slice(0, 5).map((from) => join(from, wrong));
    expect(answers).toEqual(Array(5).fill(refusal('wrong_proof')));
    expect(invites.get(INVITE_ID)?.failures).toBe(5);
    expect(join(joiners[6] as NodeId)).toEqual(refusal('invite_locked'));
  });

  test('limits how often one stranger, and all together, may ask', async () => {
    const { clock, joiner, joiners, request } = setUp();
    const own = Array.from({ length: 12 }, () => request(joiner, { invite_id: 'ffffffffffffffff' }));
    expect(own.slice(-2)).toEqual([refusal('too_many_attempts'), refusal('too_many_attempts')]);
    const all = joiners.map((from) => request(from, { invite_id: 'eeeeeeeeeeeeeeee' }));
    expect(all.at(-1)).toEqual(refusal('too_many_attempts'));
    await clock.advance(60_000);
    expect(request(joiners[99] as NodeId, { invite_id: 'dddddddddddddddd' })).toEqual(refusal('unknown_invite'));
  });

  test('takes a challenge once, in time, and from the node that it was made for', async () => {
    const { clock, desk, joiners, request, transcriptOf } = setUp({ usesLeft: 5 });
    const [a, b] = joiners as [NodeId, NodeId];
    const proofFor = (from: NodeId, challenge: JoinChallenge) => ({
      type: 'join_proof',
      invite_id: INVITE_ID,
      proof: makeJoinProof(SECRET, 'joiner', transcriptOf(from, challenge)),
    });
    const late = request(a) as JoinChallenge;
    await clock.advance(10_001);
    expect(desk.answer(a, proofFor(a, late))).toEqual(refusal('wrong_proof'));
    const stolen = proofFor(a, request(a) as JoinChallenge);
    request(b);
    expect(desk.answer(b, stolen)).toEqual(refusal('wrong_proof'));
    expect(desk.answer(b, stolen)).toEqual(refusal('wrong_proof'));
    expect(desk.answer(a, stolen).type).toBe('join_accept');
  });

  test('calls nonsense malformed', () => {
    const { desk, joiner } = setUp();
    for (const nonsense of [null, {}, { type: 'join_proof' }, 'x']) {
      expect(() => desk.answer(joiner, nonsense)).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
  });
});
