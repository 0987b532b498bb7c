/** Membership: init, invite, join, nodes, revoke, leave, token. Spec: docs/spec/03-trust.md. */
import type { ControlHandlers, NodeRow } from '../../api/index.ts';
import { isNodeId, type NodeId, parseMeshId } from '../../core/index.ts';
import type { Member } from '../../mesh/index.ts';
import type { CatalogNodeView } from '../../registry/index.ts';
import { issueToken, parseInviteCode } from '../../trust/index.ts';
import { NodeError } from '../errors.ts';
import { nodeOfName } from './node-names.ts';
import type { NodeParts } from './parts.ts';

type MeshControl = Pick<
  ControlHandlers,
  'meshInit' | 'meshInvite' | 'meshJoin' | 'meshNodes' | 'meshRevoke' | 'meshLeave' | 'meshToken'
>;

export function meshControl(parts: NodeParts): MeshControl {
  const { mesh, clock, audit } = parts;
  return {
    async meshInit({ body }) {
      if (!body.replace) verifyAlone(parts);
      audit.insist('membership', { what: 'init', name: body.name, left: mesh.meshId });
      await mesh.init(body.name);
      return { mesh_id: mesh.meshId, name: mesh.identity.meshName };
    },
    async meshInvite({ body }) {
      audit.insist('membership', { what: 'invite', role: body.role, uses: body.uses, expires_s: body.expires_s });
      const invite = mesh.invite({ role: body.role, ttlMs: body.expires_s * 1000, uses: body.uses });
      return {
        code: invite.code,
        role: invite.role,
        uses: invite.uses,
        expires_at: new Date(invite.expiresAtMs).toISOString(),
      };
    },
    async meshJoin({ body }, signal) {
      const code = body.code.trim();
      audit.insist('membership', { what: 'join', left: mesh.meshId });
      await mesh.join(code, signal);
      const { meshId, meshName } = mesh.identity;
      const { inviter } = parseInviteCode(code);
      return {
        mesh_id: meshId,
        name: meshName,
        role: mesh.role,
        inviter: mesh.certificateOf(inviter)?.name ?? inviter,
      };
    },
    async meshNodes({ query: { node } }) {
      return { nodes: node === undefined ? listNodes(parts) : [wholeNode(parts, findNode(parts, node))] };
    },
    async meshRevoke({ body }) {
      const nodeId = findNode(parts, body.node);
      audit.insist('membership', { what: 'revoke', node_id: nodeId, reason: body.reason });
      mesh.revoke(nodeId, body.reason);
      return { node_id: nodeId, name: mesh.certificateOf(nodeId)?.name ?? nodeId };
    },
    async meshLeave() {
      const left = mesh.meshId;
      audit.insist('membership', { what: 'leave', left });
      await mesh.leave();
      return { left, mesh_id: mesh.meshId };
    },
    async meshToken({ body }) {
      const audience = parseAudience(body.audience ?? mesh.nodeId);
      const nowMs = clock.nowMs();
      const grant = { audience, subject: 'tool', scopes: ['models:read'] as const, lifeSeconds: body.ttl_s, nowMs };
      audit.insist('membership', { what: 'token', audience, expires_s: body.ttl_s });
      const token = await issueToken(mesh.identity, grant);
      return { token, audience, expires_at: new Date(nowMs + body.ttl_s * 1000).toISOString() };
    },
  };
}

/** Throws NodeError `mesh_in_use`: nobody is let go of by a command typed twice. */
function verifyAlone(parts: NodeParts): void {
  const others = listNodes(parts).filter((node) => !node.this_node && node.state !== 'revoked');
  if (others.length === 0) return;
  const { meshName } = parts.mesh.identity;
  throw new NodeError(
    'mesh_in_use',
    `Making a mesh: this node is in ${meshName}, with ${others.length} other ${others.length === 1 ? 'node' : 'nodes'}`,
    {
      data: { others: others.length },
    },
  );
}

/** A node by id or name. Throws NodeError `node_not_found`, `node_ambiguous`. */
export function findNode(parts: NodeParts, nameOrId: string): NodeId {
  if (isNodeId(nameOrId)) return nameOrId;
  const heard = new Map(parts.catalog.getNodes().map((node) => [node.nodeId, node.name]));
  const members = parts.mesh.members().filter((member) => member.revokedAtMs === undefined);
  const named = members.map(({ nodeId, name, isSelf }) => {
    const ownName = isSelf ? parts.name : (heard.get(nodeId) ?? name);
    return { nodeId, name: ownName, certifiedName: name };
  });
  return nodeOfName(named, nameOrId);
}

/** With its packages. Throws NodeError `node_not_found`. */
function wholeNode(parts: NodeParts, nodeId: NodeId): NodeRow {
  const row = listNodes(parts).find(({ node_id }) => node_id === nodeId);
  if (row === undefined)
    throw new NodeError('node_not_found', `Looking for ${nodeId}: no node of this mesh has that id`);
  const packages = parts.nodes.get(nodeId)?.software.installed_packages;
  if (row.capabilities === null || packages === undefined) return row;
  const software = { ...row.capabilities.software, installed_packages: packages };
  return { ...row, capabilities: { ...row.capabilities, software } };
}

export function listNodes(parts: NodeParts): NodeRow[] {
  const heard = new Map(parts.catalog.getNodes().map((node) => [node.nodeId, node]));
  return parts.mesh.members().map((member) => toNodeRow(parts, member, heard.get(member.nodeId)));
}

function toNodeRow(parts: NodeParts, member: Member, heard: CatalogNodeView | undefined): NodeRow {
  const { isSelf, nodeId } = member;
  const isRevoked = member.revokedAtMs !== undefined;
  return {
    node_id: nodeId,
    name: isSelf ? parts.name : (heard?.name ?? member.name),
    role: member.role,
    this_node: isSelf,
    state: isRevoked ? 'revoked' : isSelf || heard !== undefined ? 'online' : 'offline',
    connected: member.connected,
    models: isSelf ? parts.library.entries().length : (heard?.modelCount ?? 0),
    last_seen: lastSeen(parts, nodeId),
    http: isSelf ? [parts.httpUrl()] : [...(heard?.endpoints.http ?? [])],
    standing: isSelf ? null : parts.feedback.standingOf(nodeId),
    capabilities: capabilitiesOf(parts, nodeId),
    certificate_expires: new Date(member.expiresAtMs).toISOString(),
  };
}

function capabilitiesOf({ nodes }: NodeParts, nodeId: NodeId): NodeRow['capabilities'] {
  const facts = nodes.get(nodeId);
  if (facts === undefined) return null;
  const { region = null, tier = null, labels, hardware, execution_providers, software, interests, constraints } = facts;
  const { memory_mb, vram_mb, cpu_cores, gpu = null, architecture, disk_free_mb } = hardware;
  const { python_version = null, installed_packages } = software;
  const { max_model_size_mb = null, max_models = null } = constraints;
  return {
    ...{ region, tier, labels, execution_providers, interests },
    hardware: { memory_mb, vram_mb, cpu_cores, gpu, architecture, disk_free_mb },
    software: { python_version, package_count: installed_packages.length },
    constraints: { max_model_size_mb, max_models },
  };
}

function lastSeen(parts: NodeParts, nodeId: NodeId): string | null {
  const [record] = parts.mesh.records({ kind: 'heartbeat', author: nodeId });
  return record === undefined ? null : new Date(record.issued_at).toISOString();
}

function parseAudience(text: string) {
  return isNodeId(text) ? text : parseMeshId(text);
}
