/** `deployment_metrics` as series on the port's `/metrics`. Spec: docs/spec/17-deployment.md §6.5. */
import { Gauge, type Registry } from 'prom-client';
import { NODE_LIMITS, type OpenNode } from '../node/index.ts';

type Metrics = ReturnType<OpenNode['parts']['deployment']['metrics']>;

/** Read when asked for. Models and versions are named by others: only so many of them are told apart. */
export function exportDeploymentMetrics(registry: Registry, read: () => Metrics): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: (metrics: Metrics) => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(value(read())) });
  };
  gauge('atmosphere_deployment_models', 'Models that are deployed somewhere', (metrics) => metrics.total_models);
  gauge('atmosphere_deployment_total', 'Models deployed, over all nodes', (metrics) => metrics.total_deployments);
  gauge('atmosphere_deployment_pending', 'Deployments under way', (metrics) => metrics.pending_transfers);
  gauge('atmosphere_deployment_failed_24h', 'Failed within 24 hours', (metrics) => metrics.failed_transfers_24h);
  gauge('atmosphere_deployment_transfer_ms', 'Mean time of a transfer', (metrics) => metrics.avg_transfer_time_ms);
  gauge('atmosphere_deployment_rollback_failed', 'Roll-backs that failed', (metrics) => metrics.rollback_failed);
  const versions: Gauge<'model' | 'version'> = new Gauge({
    name: 'atmosphere_deployment_nodes',
    help: 'Nodes that have a version in force',
    labelNames: ['model', 'version'],
    registers,
    collect() {
      versions.reset();
      for (const { model, version, nodes } of toSeries(read())) versions.set({ model, version }, nodes);
    },
  });
}

function toSeries({ by_model }: Metrics) {
  const all = Object.entries(by_model).flatMap(([model, { version_distribution }]) =>
    Object.entries(version_distribution).map(([version, nodes]) => ({ model, version, nodes })),
  );
  return all.sort((a, b) => b.nodes - a.nodes).slice(0, NODE_LIMITS.metricModels);
}
