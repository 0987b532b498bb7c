import { describe, expect, test } from 'vitest';
import type { MeshId, NodeId } from '../core/index.ts';
import {
  type NodeCertificate,
  type NodeRevocation,
  parseCertificate,
  parseHello,
  parseJoinMessage,
  parseJoinReply,
  parseRevocation,
  SIGNING_CONTEXTS,
  signingBytes,
} from '../protocol/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { checkCertificate, isRevocationSigned } from './certificates.ts';
import { encodeInviteCode, parseInviteCode } from './invite-code.ts';
import { isJoinProof, type JoinSide, makeJoinProof } from './join-proof.ts';
import { keyFromSeed, publicBytesOf, toMeshId, toNodeId } from './keys.ts';
import { signObject } from './signatures.ts';

/** The authority of all vectors. */
const AUTHORITY = idsOf('authority');

interface Named {
  readonly name: string;
  readonly valid: boolean;
}

interface IdCase extends Named {
  readonly seed: string;
  readonly public_key: string;
  readonly node_id: NodeId;
  readonly mesh_id: MeshId;
}

function idsOf(name: string): IdCase {
  const found = vectorCases<IdCase>('trust', 'ids.json').find(([, one]) => one.name === name);
  if (found === undefined) throw new Error(`no ids of ${name}`);
  return found[1];
}

describe('ids', () => {
  test.each(vectorCases<IdCase>('trust', 'ids.json'))('%s', (_name, one) => {
    const bytes = publicBytesOf(keyFromSeed(Buffer.from(one.seed, 'hex')));
    expect(bytes.toString('hex')).toBe(one.public_key);
    expect([toNodeId(bytes), toMeshId(bytes)]).toEqual([one.node_id, one.mesh_id]);
  });
});

interface CertificateCase extends Named {
  readonly flaw: string | null;
  readonly now_ms: number;
  readonly revoked: readonly NodeId[];
  readonly certificate: NodeCertificate;
  readonly signed_text?: string;
}

describe('certificates', () => {
  test.each(vectorCases<CertificateCase>('trust', 'certificate.json'))('%s', (_name, one) => {
    if (one.flaw === 'malformed') {
      expect(() => parseCertificate(one.certificate)).toThrow(expect.objectContaining({ code: 'malformed' }));
      return;
    }
    const certificate = parseCertificate(one.certificate);
    const flaw = checkCertificate(certificate, AUTHORITY.mesh_id, one.now_ms, (id) => one.revoked.includes(id));
    expect(flaw ?? null).toBe(one.flaw);
    if (one.signed_text !== undefined) expectSameBytes(SIGNING_CONTEXTS.certificate, one.certificate, one.signed_text);
  });
});

interface RevocationCase extends Named {
  readonly revocation: NodeRevocation;
  readonly signed_text?: string;
}

describe('revocations', () => {
  test.each(vectorCases<RevocationCase>('trust', 'revocation.json'))('%s', (_name, one) => {
    expect(isGood(() => isRevocationSigned(parseRevocation(one.revocation), AUTHORITY.mesh_id))).toBe(one.valid);
    if (one.signed_text !== undefined) expectSameBytes(SIGNING_CONTEXTS.revocation, one.revocation, one.signed_text);
  });
});

/** Ed25519 is deterministic: the same key and the same bytes make the same signature everywhere. */
function expectSameBytes<Body extends NodeCertificate | NodeRevocation>(
  context: (typeof SIGNING_CONTEXTS)[keyof typeof SIGNING_CONTEXTS],
  object: Body,
  text: string,
): void {
  expect(signingBytes(context, object).toString('utf8')).toBe(text);
  const privateKey = keyFromSeed(Buffer.from(AUTHORITY.seed, 'hex'));
  const { signature, ...body } = object;
  const again = signObject(context, body, { id: AUTHORITY.mesh_id, privateKey }, Date.parse(signature.signed_at));
  expect(again.signature).toEqual(signature);
}

interface InviteCase extends Named {
  readonly code: string;
  readonly invite?: Record<string, unknown>;
}

describe('invite codes', () => {
  test.each(vectorCases<InviteCase>('trust', 'invite-code.json'))('%s', (_name, one) => {
    if (!one.valid) {
      expect(() => parseInviteCode(one.code)).toThrow(expect.objectContaining({ code: 'invite_mistyped' }));
      return;
    }
    const { meshId, inviter, inviteId, secretHex, expiresAtMs, addresses } = parseInviteCode(one.code);
    expect({
      mesh_id: meshId,
      inviter,
      invite_id: inviteId,
      secret: secretHex,
      expires_at: expiresAtMs,
      addresses,
    }).toEqual(one.invite);
    expect(encodeInviteCode(parseInviteCode(one.code))).toBe(one.code.replace(/\s/g, ''));
  });
});

interface ProofCase extends Named {
  readonly side: JoinSide;
  readonly secret: string;
  readonly transcript: {
    readonly joiner: NodeId;
    readonly inviter: NodeId;
    readonly joiner_nonce: string;
    readonly inviter_nonce: string;
    readonly mesh_id: MeshId;
    readonly invite_id: string;
  };
  readonly proof: string;
}

describe('join proofs', () => {
  test.each(vectorCases<ProofCase>('trust', 'join-proof.json'))('%s', (_name, one) => {
    const { joiner, inviter, joiner_nonce, inviter_nonce, mesh_id, invite_id } = one.transcript;
    const transcript = {
      joiner,
      inviter,
      joinerNonce: joiner_nonce,
      inviterNonce: inviter_nonce,
      meshId: mesh_id,
      inviteId: invite_id,
    };
    expect(isJoinProof(one.proof, one.secret, one.side, transcript)).toBe(one.valid);
    expect(makeJoinProof(one.secret, one.side, transcript) === one.proof).toBe(one.valid);
  });
});

interface MessageCase extends Named {
  readonly parser: 'hello' | 'join_message' | 'join_reply';
  readonly message: unknown;
}

const PARSERS = { hello: parseHello, join_message: parseJoinMessage, join_reply: parseJoinReply };

describe('messages before admission', () => {
  test.each(vectorCases<MessageCase>('trust', 'membership.json'))('%s', (_name, one) => {
    expect(isGood(() => PARSERS[one.parser](one.message) !== undefined)).toBe(one.valid);
  });
});

/** Errors other than `malformed` are not an answer. */
function isGood(check: () => boolean): boolean {
  try {
    return check();
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'malformed' });
    return false;
  }
}
