/** One node among others, onto which an admin has ordered every model there is, each with a real signature. */
import { createHash } from 'node:crypto';
import type { FleetNode, NodeFacts, PlanInput } from '../../src/deploy/index.ts';
import { planAccess } from '../../src/node/deployment/orders.ts';
import { type ModelManifest, parseUpdateCommand } from '../../src/protocol/index.ts';
import { makeTestMesh } from '../../src/testkit/mesh-members.ts';
import { type OrderContext, signManifest } from '../../src/trust/index.ts';
import { makeFleet } from './made-fleet.ts';

const member = makeTestMesh('bench').member('admin', { role: 'admin' });
const admin = { id: member.nodeId, privateKey: member.nodeKey };

/** The node's plan as it would be made now. Rights are judged anew each time, as in a node. */
export function makeFullNode(nodeCount: number, modelCount: number): () => PlanInput {
  const { orders: _few, access: _free, rules: _none, ...fleet } = makeFleet(nodeCount, modelCount);
  const node = roomyNode(fleet.nodes);
  const context = contextAt(member.certificate.issued_at);
  const manifests = fleet.manifests.map(({ manifest, publishedAtMs }) => ({
    manifest: signManifest(withoutReplicas(manifest), { signer: admin, nowMs: fleet.nowMs - 1000, before: 0 }),
    publishedAtMs,
    author: admin.id,
  }));
  const orders = manifests.map(({ manifest }) => ({
    command: parseUpdateCommand({
      ...{ type: 'model_update', command_id: uuidOf(manifest.model_id), manifest, target: { roles: ['edge'] } },
      timestamp: new Date(fleet.nowMs).toISOString(),
    }),
    author: admin.id,
    orderedAtMs: fleet.nowMs,
  }));
  return () => ({ ...fleet, manifests, orders, rules: [], node, pins: [], access: planAccess(context) });
}

function roomyNode([first]: readonly FleetNode[]): NodeFacts {
  if (first === undefined) throw new Error('a fleet has a node');
  const hardware = { ...first.facts.hardware, memory_mb: 1_000_000, architecture: 'x86_64' };
  return { ...first.facts, role: 'edge', hardware };
}

function withoutReplicas(manifest: ModelManifest): ModelManifest {
  return { ...manifest, deployment: { ...manifest.deployment, replicas: 0, roles: ['edge'] } };
}

function contextAt(nowMs: number): OrderContext {
  const { certificate } = member;
  const certificateOf: OrderContext['certificateOf'] = (nodeId) => (nodeId === admin.id ? certificate : undefined);
  return { certificateOf, isRevoked: () => false, policy: undefined, nowMs };
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
