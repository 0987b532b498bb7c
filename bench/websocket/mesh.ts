/** The members of the benchmark's mesh, the same in each of its processes. */
import type { NodeId } from '../../src/core/index.ts';
import { makeTestMesh } from '../../src/testkit/mesh-members.ts';
import { makeTlsIdentity, readTlsPeer } from '../../src/trust/index.ts';

const mesh = makeTestMesh('bench websocket', Date.now());

/** Keys come from the name; the certificate is of this moment. */
export async function identityOf(name: string) {
  const own = mesh.member(name);
  return { nodeId: own.nodeId, tls: await makeTlsIdentity(own, Date.now()) };
}

export function verifyMember(der: Uint8Array): { readonly nodeId: NodeId; readonly role: string } {
  const check = { meshId: mesh.authority.id, nowMs: Date.now(), isRevoked: () => false };
  const { nodeId, certificate } = readTlsPeer(der, check);
  return { nodeId, role: certificate.role };
}
