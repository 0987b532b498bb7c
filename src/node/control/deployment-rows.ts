/** How models are on all nodes, as rows for people and programs. Spec: docs/spec/17-deployment.md §6. */
import type { DeploymentRow } from '../../api/index.ts';
import { compareText, type NodeId } from '../../core/index.ts';
import type { Deployed } from '../../deploy/index.ts';
import { isInForce, type ModelStatusEntry } from '../../protocol/index.ts';
import type { NodeStatus } from '../deployment/status-book.ts';
import type { NodeParts } from './parts.ts';

/** By model id, then node; of one model where it is given. */
export async function listDeployments(parts: NodeParts, modelId: string | undefined): Promise<DeploymentRow[]> {
  const rows: DeploymentRow[] = [];
  const heard = heardOf(parts);
  for (const node of parts.deployment.statuses.all())
    for (const entry of node.models)
      if (modelId === undefined || entry.model_id === modelId)
        rows.push(await withPath(parts, toDeploymentRow(parts, node, entry, heard)));
  return rows.sort((a, b) => compareText(a.model_id, b.model_id) || compareText(a.node_name, b.node_name));
}

async function withPath(parts: NodeParts, row: DeploymentRow): Promise<DeploymentRow> {
  if (!row.this_node || !isInForce(row)) return row;
  const isOfRow = ({ version, sha256 }: Pick<Deployed, 'version' | 'sha256'>) =>
    version === row.version && sha256 === row.sha256;
  const own = parts.deployment.rows().find((one) => one.modelId === row.model_id);
  const manifest = [own?.manifest, own?.previous].find((one) => one !== undefined && isOfRow(one));
  if (manifest === undefined) return row;
  return { ...row, local_path: await parts.deployment.folders.pathOf(manifest).catch(() => null) };
}

export function toDeploymentRow(
  parts: NodeParts,
  { nodeId }: Pick<NodeStatus, 'nodeId'>,
  entry: ModelStatusEntry,
  heard = heardOf(parts),
): DeploymentRow {
  const isSelf = nodeId === parts.mesh.nodeId;
  const certified = (): string => parts.mesh.certificateOf(nodeId)?.name ?? nodeId;
  return {
    node_id: nodeId,
    node_name: isSelf ? parts.name : (heard.get(nodeId) ?? certified()),
    online: isSelf || heard.has(nodeId),
    this_node: isSelf,
    model_id: entry.model_id,
    version: entry.version,
    sha256: entry.sha256,
    status: entry.status,
    download_progress: entry.download_progress,
    local_path: null,
    verified_at: entry.verified_at ?? null,
    loaded_at: entry.loaded_at ?? null,
    error: entry.error ?? null,
    error_code: entry.error_code ?? null,
    because: entry.because ?? null,
    previous_version: entry.previous_version ?? null,
    transfer_ms: entry.transfer_ms ?? null,
    updated_at: entry.updated_at,
  };
}

/** Names of the nodes that were heard of lately: looked for once, however many rows there are. */
function heardOf({ catalog }: NodeParts): ReadonlyMap<NodeId, string> {
  return new Map(catalog.getNodes().map(({ nodeId, name }) => [nodeId, name]));
}
