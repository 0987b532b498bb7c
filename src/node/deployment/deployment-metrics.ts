/** `deployment_metrics` of the mesh, from what all nodes tell. Pure. Spec: docs/spec/17-deployment.md §6.5. */
import { isInForce, type ModelStatusEntry } from '../../protocol/index.ts';

export interface DeploymentMetrics {
  readonly total_models: number;
  readonly total_deployments: number;
  readonly pending_transfers: number;
  readonly failed_transfers_24h: number;
  readonly avg_transfer_time_ms: number;
  readonly rollback_failed: number;
  readonly by_model: Readonly<Record<string, ModelDeployments>>;
}

export interface ModelDeployments {
  readonly nodes: number;
  readonly version_distribution: Readonly<Record<string, number>>;
}

const DAY_MS = 86_400_000;

export function toDeploymentMetrics(nodes: readonly (readonly ModelStatusEntry[])[], nowMs: number): DeploymentMetrics {
  const entries = nodes.flat();
  const running = entries.filter(isInForce);
  const times = entries.flatMap(({ transfer_ms }) => transfer_ms ?? []);
  const isRecent = ({ updated_at }: ModelStatusEntry) => nowMs - Date.parse(updated_at) <= DAY_MS;
  return {
    total_models: new Set(running.map(({ model_id }) => model_id)).size,
    total_deployments: running.length,
    pending_transfers: entries.filter(({ status }) => status === 'Available' || status === 'Downloading').length,
    failed_transfers_24h: entries.filter((entry) => entry.status === 'Failed' && isRecent(entry)).length,
    avg_transfer_time_ms:
      times.length === 0 ? 0 : Math.round(times.reduce((sum, each) => sum + each, 0) / times.length),
    rollback_failed: entries.filter((entry) => entry.error_code === 'rollback_failed' && entry.previous_version).length,
    by_model: byModel(nodes),
  };
}

function byModel(nodes: readonly (readonly ModelStatusEntry[])[]): Record<string, ModelDeployments> {
  const models = new Map<string, { nodes: number; readonly versions: Map<string, number> }>();
  for (const entries of nodes) {
    const seen = new Set<string>();
    for (const { model_id, version } of entries.filter(isInForce)) {
      const model = models.get(model_id) ?? { nodes: 0, versions: new Map<string, number>() };
      if (!seen.has(model_id)) model.nodes += 1;
      seen.add(model_id);
      model.versions.set(version, (model.versions.get(version) ?? 0) + 1);
      models.set(model_id, model);
    }
  }
  const sorted = [...models].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([id, { nodes: count, versions }]) => [
      id,
      { nodes: count, version_distribution: Object.fromEntries(versions) },
    ]),
  );
}
