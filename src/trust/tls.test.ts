import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { TRUST_LIMITS } from './limits.ts';
import { makeTlsIdentity, readTlsPeer, type TlsPeerCheck } from './tls.ts';

const NOW = Date.now();
const mesh = makeTestMesh('tls', NOW);
const anna = mesh.member('anna');
const bert = mesh.member('bert');
const check: TlsPeerCheck = { meshId: mesh.authority.id, nowMs: NOW, isRevoked: () => false };
const refused = (reason: string) => expect.objectContaining({ code: 'tls_peer_invalid', data: { reason } });

async function derOf(identity: Parameters<typeof makeTlsIdentity>[0]): Promise<Buffer> {
  return new X509Certificate((await makeTlsIdentity(identity, NOW)).cert).raw;
}

function rawOf(socket: TLSSocket): Buffer {
  return socket.getPeerCertificate().raw;
}

describe('mutual TLS', () => {
  test('two nodes know each other after a TLS 1.3 handshake over a real socket', async () => {
    const options: TlsOptions = { minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false };
    const server = createServer({ ...options, ...(await makeTlsIdentity(anna, NOW)) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const seen = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const mine = await makeTlsIdentity(bert, NOW);
    const client = connect({ host: '127.0.0.1', port, minVersion: 'TLSv1.3', rejectUnauthorized: false, ...mine });
    await once(client, 'secureConnect');
    const [socket] = await seen;
    expect(client.getProtocol()).toBe('TLSv1.3');
    expect(readTlsPeer(rawOf(client), check)).toEqual({ nodeId: anna.nodeId, certificate: anna.certificate });
    expect(readTlsPeer(rawOf(socket), check).nodeId).toBe(bert.nodeId);
    client.destroy();
    socket.destroy();
    server.close();
    await once(server, 'close');
  });
});

describe('readTlsPeer()', () => {
  test('refuses a node that was revoked, one of another mesh, and one whose certificate is over', async () => {
    const der = await derOf(anna);
    const revoked = (nodeId: NodeId) => nodeId === anna.nodeId;
    expect(() => readTlsPeer(der, { ...check, isRevoked: revoked })).toThrow(refused('revoked'));
    expect(() => readTlsPeer(der, { ...check, meshId: makeTestMesh('x').authority.id })).toThrow(refused('other_mesh'));
    const later = NOW + TRUST_LIMITS.certificateLifeMs;
    expect(() => readTlsPeer(der, { ...check, nowMs: later })).toThrow(refused('expired'));
  });

  test('refuses an X.509 certificate out of its time, though its mesh certificate counts', async () => {
    const at = async (nowMs: number) => new X509Certificate((await makeTlsIdentity(anna, nowMs)).cert).raw;
    const old = await at(NOW - TRUST_LIMITS.tlsCertificateLifeMs - 400_000);
    expect(() => readTlsPeer(old, check)).toThrow(refused('out_of_date'));
    const early = await at(NOW + 800_000);
    expect(() => readTlsPeer(early, check)).toThrow(refused('out_of_date'));
  });

  test('refuses a mesh certificate that is of another node: a stolen one opens nothing', async () => {
    const thief = { nodeId: bert.nodeId, nodeKey: bert.nodeKey, certificate: anna.certificate };
    const der = await derOf(thief);
    expect(() => readTlsPeer(der, check)).toThrow(refused('other_node'));
  });

  test('refuses bytes that are no certificate, one without the extension, one that another key signed, a huge one', async () => {
    const malformed = refused('malformed');
    expect(() => readTlsPeer(Buffer.from('hello'), check)).toThrow(malformed);
    const keys = (await crypto.subtle.generateKey('Ed25519', true, [
      'sign',
      'verify',
    ])) as x509.X509CertificateCreateSelfSignedParams['keys'];
    const words = { keys, signingAlgorithm: { name: 'Ed25519' } };
    const plain = await x509.X509CertificateGenerator.createSelfSigned(words, crypto);
    expect(() => readTlsPeer(Buffer.from(plain.rawData), check)).toThrow(malformed);
    const changed = Buffer.from(await derOf(anna));
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    expect(() => readTlsPeer(changed, check)).toThrow(malformed);
    expect(() => readTlsPeer(Buffer.alloc(10_000), check)).toThrow(refused('too_large'));
  });
});
