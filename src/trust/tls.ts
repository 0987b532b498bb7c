/** X.509 around a node key, for mutual TLS 1.3 between nodes. Spec: docs/spec/03-trust.md §7. */
// @peculiar/x509 builds on tsyringe, which refuses to load without this.
import 'reflect-metadata';
import { createHash, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type MeshId, messageOf, type NodeId } from '../core/index.ts';
import { canonicalBytes, type NodeCertificate, parseCertificate } from '../protocol/index.ts';
import { checkCertificate, type IsRevoked } from './certificates.ts';
import { TrustError } from './errors.ts';
import type { Identity } from './identity.ts';
import { publicBytesOf, toNodeId } from './keys.ts';
import { TRUST_LIMITS } from './limits.ts';

/** Private enterprise number, then the product's port and the extension. */
export const MESH_CERTIFICATE_OID = '1.3.6.1.4.1.58888.4302.1';
const CLOCK_SLACK_MS = 300_000;

export interface TlsIdentity {
  /** PKCS #8 PEM; hand it to node:tls and to nobody else. */
  readonly key: string;
  readonly cert: string;
  readonly expiresAtMs: number;
}

export interface TlsPeer {
  readonly nodeId: NodeId;
  readonly certificate: NodeCertificate;
}

export interface TlsPeerCheck {
  readonly meshId: MeshId;
  readonly nowMs: number;
  readonly isRevoked: IsRevoked;
}

/** A self-signed certificate of the node's own key that carries its mesh certificate. */
export async function makeTlsIdentity(
  identity: Pick<Identity, 'nodeId' | 'nodeKey' | 'certificate'>,
  nowMs: number,
): Promise<TlsIdentity> {
  const expiresAtMs = nowMs + TRUST_LIMITS.tlsCertificateLifeMs;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialOf(identity.nodeId, nowMs),
      name: `CN=${identity.nodeId}`,
      notBefore: new Date(nowMs - CLOCK_SLACK_MS),
      notAfter: new Date(expiresAtMs),
      keys: await toWebKeys(identity.nodeKey),
      signingAlgorithm: { name: 'Ed25519' },
      extensions: [
        new x509.Extension(MESH_CERTIFICATE_OID, false, toArrayBuffer(canonicalBytes(identity.certificate))),
      ],
    },
    webcrypto,
  );
  const key = identity.nodeKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { key, cert: certificate.toString('pem'), expiresAtMs };
}

/** Who is at the other end, proven by the X.509 certificate of the handshake (DER). Throws TrustError `tls_peer_invalid`. */
export function readTlsPeer(der: Uint8Array, check: TlsPeerCheck): TlsPeer {
  if (der.length > TRUST_LIMITS.tlsCertificateBytes) throw refused('too_large');
  const { nodeId, certificate, validity } = readParts(der);
  if (certificate.node_id !== nodeId) throw refused('other_node');
  const flaw = checkCertificate(certificate, check.meshId, check.nowMs, check.isRevoked);
  if (flaw !== undefined) throw refused(flaw);
  if (check.nowMs < validity.fromMs - CLOCK_SLACK_MS || check.nowMs > validity.toMs + CLOCK_SLACK_MS)
    throw refused('out_of_date');
  return { nodeId, certificate };
}

interface TlsParts extends TlsPeer {
  readonly validity: { readonly fromMs: number; readonly toMs: number };
}

function readParts(der: Uint8Array): TlsParts {
  try {
    const outer = new X509Certificate(der);
    if (outer.publicKey.asymmetricKeyType !== 'ed25519' || !outer.verify(outer.publicKey))
      throw new Error('not self-signed');
    const extension = new x509.X509Certificate(toArrayBuffer(der)).getExtension(MESH_CERTIFICATE_OID);
    if (extension === null) throw new Error('no mesh certificate');
    const certificate = parseCertificate(JSON.parse(Buffer.from(extension.value).toString('utf8')));
    const validity = { fromMs: outer.validFromDate.getTime(), toMs: outer.validToDate.getTime() };
    return { nodeId: toNodeId(publicBytesOf(outer.publicKey)), certificate, validity };
  } catch (cause) {
    throw refused('malformed', cause);
  }
}

async function toWebKeys(nodeKey: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const { subtle } = webcrypto;
  const pkcs8 = toArrayBuffer(nodeKey.export({ format: 'der', type: 'pkcs8' }));
  const privateKey = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const publicKey = await subtle.importKey('raw', toArrayBuffer(publicBytesOf(nodeKey)), 'Ed25519', true, ['verify']);
  return { privateKey, publicKey };
}

/** 8 bytes that differ from start to start; positive as DER wants it. */
function serialOf(nodeId: NodeId, nowMs: number): string {
  const hex = createHash('sha256').update(`${nodeId}\n${nowMs}`).digest('hex').slice(0, 14);
  return `01${hex}`;
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function refused(reason: string, cause?: unknown): TrustError {
  const detail = cause === undefined ? '' : ` (${messageOf(cause)})`;
  return new TrustError('tls_peer_invalid', `Reading a TLS peer's certificate: ${reason}${detail}`, {
    data: { reason },
    cause,
  });
}
