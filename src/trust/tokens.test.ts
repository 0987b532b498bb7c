import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { issueToken, type TokenCheck, verifyToken } from './tokens.ts';

const NOW = 1_800_000_000_000;
const mesh = makeTestMesh('tokens', NOW);
const issuer = mesh.member('issuer');
const server = mesh.member('server');
const grant = { audience: mesh.authority.id, subject: 'curl', scopes: ['models:read' as const], nowMs: NOW };
const check: TokenCheck = {
  meshId: mesh.authority.id,
  nodeId: server.nodeId,
  scope: 'models:read',
  nowMs: NOW,
  certificateOf: (nodeId) => (nodeId === issuer.nodeId ? issuer.certificate : undefined),
  isRevoked: () => false,
};
const invalid = (reason: string) => expect.objectContaining({ code: 'token_invalid', data: { reason } });

describe('verifyToken()', () => {
  test('takes a token for the mesh, and one for this node', async () => {
    expect(await verifyToken(await issueToken(issuer, grant), check)).toMatchObject({
      issuer: issuer.nodeId,
      subject: 'curl',
      scopes: ['models:read'],
      expiresAtMs: NOW + 3_600_000,
    });
    const forNode = await issueToken(issuer, { ...grant, audience: server.nodeId });
    expect((await verifyToken(forNode, check)).id).toHaveLength(32);
  });

  test('refuses a token that is over, for somebody else, or of one who is no member any more', async () => {
    const token = await issueToken(issuer, grant);
    await expect(verifyToken(token, { ...check, nowMs: NOW + 3_600_001 })).rejects.toThrow(invalid('expired'));
    const forOther = await issueToken(issuer, { ...grant, audience: issuer.nodeId });
    await expect(verifyToken(forOther, check)).rejects.toThrow(invalid('audience'));
    await expect(verifyToken(token, { ...check, isRevoked: () => true })).rejects.toThrow(invalid('issuer_revoked'));
    await expect(verifyToken(token, { ...check, certificateOf: () => undefined })).rejects.toThrow(invalid('issuer'));
  });

  test('refuses a token from the future, without the scope, and one that lives too long', async () => {
    const early = await issueToken(issuer, { ...grant, nowMs: NOW + 400_000 });
    await expect(verifyToken(early, check)).rejects.toThrow(invalid('from_future'));
    const other = await issueToken(issuer, { ...grant, scopes: [] });
    await expect(verifyToken(other, check)).rejects.toThrow(invalid('scope'));
    const long = await sign({ exp: NOW / 1000 + 90_000 });
    await expect(verifyToken(long, check)).rejects.toThrow(invalid('lives_too_long'));
  });

  test('issueToken() cuts a life to 24 hours', async () => {
    const token = await issueToken(issuer, { ...grant, lifeSeconds: 1_000_000 });
    expect((await verifyToken(token, check)).expiresAtMs).toBe(NOW + 86_400_000);
  });

  test('refuses another key, another algorithm, none, and what is no token', async () => {
    const [header, body, signature] = (await issueToken(issuer, grant)).split('.') as [string, string, string];
    const forged = await issueToken({ nodeId: issuer.nodeId, nodeKey: server.nodeKey }, grant);
    await expect(verifyToken(forged, check)).rejects.toThrow(invalid('bad_signature'));
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    await expect(verifyToken(`${none}.${body}.`, check)).rejects.toThrow(
      expect.objectContaining({ code: 'token_invalid' }),
    );
    const hmac = Buffer.from('{"alg":"HS256"}').toString('base64url');
    await expect(verifyToken(`${hmac}.${body}.${signature}`, check)).rejects.toThrow(invalid('algorithm'));
    await expect(verifyToken(`${header}.${body}`, check)).rejects.toThrow(
      expect.objectContaining({ code: 'token_invalid' }),
    );
    await expect(verifyToken('hello', check)).rejects.toThrow(invalid('malformed'));
    await expect(verifyToken('x'.repeat(5000), check)).rejects.toThrow(invalid('too_long'));
  });

  test('refuses a token signed by RSA although the key is given away in it', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const token = await claims({}).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
    await expect(verifyToken(token, check)).rejects.toThrow(invalid('algorithm'));
  });
});

function claims(more: { exp?: number }): SignJWT {
  const iat = NOW / 1000;
  return new SignJWT({ scope: 'models:read', exp: more.exp ?? iat + 60, iat, jti: 'j', sub: 's' })
    .setIssuer(issuer.nodeId)
    .setAudience(mesh.authority.id);
}

function sign(more: { exp?: number }): Promise<string> {
  return claims(more).setProtectedHeader({ alg: 'EdDSA' }).sign(issuer.nodeKey);
}
