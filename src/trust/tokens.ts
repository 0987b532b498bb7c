/** Short-lived bearer tokens for tools without a node key. Spec: docs/spec/03-trust.md §9. */
import { randomBytes } from 'node:crypto';
import { decodeJwt, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { isNodeId, type MeshId, messageOf, type NodeId } from '../core/index.ts';
import { type NodeCertificate, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { checkCertificate, type IsRevoked } from './certificates.ts';
import { TrustError } from './errors.ts';
import type { Identity } from './identity.ts';
import { publicKeyOfId } from './keys.ts';
import { TRUST_LIMITS } from './limits.ts';

export type TokenScope = 'models:read';

export interface TokenGrant {
  readonly audience: MeshId | NodeId;
  readonly subject: string;
  readonly scopes: readonly TokenScope[];
  readonly lifeSeconds?: number;
  readonly nowMs: number;
}

export interface TokenCheck {
  readonly meshId: MeshId;
  readonly nodeId: NodeId;
  readonly scope: TokenScope;
  readonly nowMs: number;
  readonly certificateOf: (nodeId: NodeId) => NodeCertificate | undefined;
  readonly isRevoked: IsRevoked;
}

export interface VerifiedToken {
  readonly issuer: NodeId;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly id: string;
  readonly expiresAtMs: number;
}

const claimsSchema = z.object({
  iss: z.string().refine(isNodeId),
  sub: z.string().min(1).max(200),
  scope: z.string().max(200),
  jti: z.string().min(1).max(64),
  iat: z.number().int(),
  exp: z.number().int(),
});

/** A life over the limit is cut to it. */
export function issueToken(identity: Pick<Identity, 'nodeId' | 'nodeKey'>, grant: TokenGrant): Promise<string> {
  const wanted = grant.lifeSeconds ?? TRUST_LIMITS.tokenDefaultLifeSeconds;
  const life = Math.min(Math.max(1, Math.floor(wanted)), TRUST_LIMITS.tokenMaxLifeSeconds);
  const issuedAt = Math.floor(grant.nowMs / 1000);
  return new SignJWT({ scope: grant.scopes.join(' ') })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT' })
    .setIssuer(identity.nodeId)
    .setAudience(grant.audience)
    .setSubject(grant.subject)
    .setJti(randomBytes(16).toString('hex'))
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + life)
    .sign(identity.nodeKey);
}

/** Throws TrustError `token_invalid`; `data.reason` names what is wrong. */
export async function verifyToken(token: string, check: TokenCheck): Promise<VerifiedToken> {
  const issuer = readIssuer(token);
  verifyIssuer(issuer, check);
  const claims = await readVerifiedClaims(token, issuer, check);
  const scopes = claims.scope.split(' ');
  if (claims.exp - claims.iat > TRUST_LIMITS.tokenMaxLifeSeconds) throw invalid('lives_too_long');
  if (claims.iat * 1000 > check.nowMs + PROTOCOL_LIMITS.clockSkewMs) throw invalid('from_future');
  if (!scopes.includes(check.scope)) throw invalid('scope');
  return { issuer, subject: claims.sub, scopes, id: claims.jti, expiresAtMs: claims.exp * 1000 };
}

/** The issuer as claimed, before anything is proven: it names the key to verify by. */
function readIssuer(token: string): NodeId {
  if (token.length > TRUST_LIMITS.tokenChars) throw invalid('too_long');
  try {
    const { iss } = decodeJwt(token);
    if (iss !== undefined && isNodeId(iss)) return iss;
  } catch (cause) {
    throw invalid('malformed', cause);
  }
  throw invalid('issuer');
}

function verifyIssuer(issuer: NodeId, check: TokenCheck): void {
  const certificate = check.certificateOf(issuer);
  if (certificate === undefined || certificate.node_id !== issuer) throw invalid('issuer');
  const flaw = checkCertificate(certificate, check.meshId, check.nowMs, check.isRevoked);
  if (flaw !== undefined) throw invalid(`issuer_${flaw}`);
}

async function readVerifiedClaims(token: string, issuer: NodeId, check: TokenCheck) {
  try {
    const { payload } = await jwtVerify(token, publicKeyOfId(issuer), {
      algorithms: ['EdDSA'],
      audience: [check.meshId, check.nodeId],
      issuer,
      currentDate: new Date(check.nowMs),
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'scope'],
    });
    return claimsSchema.parse(payload);
  } catch (cause) {
    throw invalid(reasonOfJose(cause), cause);
  }
}

function reasonOfJose(thrown: unknown): string {
  const { code, claim } = thrown as { code?: string; claim?: string };
  if (code === 'ERR_JWT_EXPIRED') return 'expired';
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return claim === 'aud' ? 'audience' : `claim_${claim}`;
  if (code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') return 'bad_signature';
  return code === 'ERR_JOSE_ALG_NOT_ALLOWED' ? 'algorithm' : 'malformed';
}

function invalid(reason: string, cause?: unknown): TrustError {
  const detail = cause === undefined ? '' : ` (${messageOf(cause)})`;
  return new TrustError('token_invalid', `Checking a token: ${reason}${detail}`, { data: { reason }, cause });
}
