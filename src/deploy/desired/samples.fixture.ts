/** Nodes, manifests and orders for tests: complete, with what a test says changed. */
import type { NodeId, Sha256 } from '../../core/index.ts';
import { type DeploymentRule, type ModelManifest, parseManifest, ruleSchema } from '../../protocol/index.ts';
import type { KnownManifest, NodeFacts, Order, PlanInput } from '../types.ts';

export const NOW_MS = Date.UTC(2026, 0, 15, 12);

export function nodeId(name: string): NodeId {
  return `12D3KooW${name}` as NodeId;
}

export function node(name: string, changes: Partial<NodeFacts> & { readonly memoryMb?: number } = {}): NodeFacts {
  const { memoryMb = 4096, ...rest } = changes;
  return {
    type: 'node_capabilities',
    node_id: nodeId(name),
    node_name: name,
    role: 'edge',
    labels: {},
    hardware: { memory_mb: memoryMb, vram_mb: 0, cpu_cores: 4, architecture: 'x86_64', disk_free_mb: 0 },
    execution_providers: [],
    software: { installed_packages: [] },
    interests: [],
    constraints: {},
    ...rest,
  };
}

export interface ManifestChanges extends Omit<Partial<ModelManifest>, 'needs' | 'deployment'> {
  readonly needs?: Partial<ModelManifest['needs']>;
  readonly deployment?: Partial<ModelManifest['deployment']>;
}

export function manifest(modelId: string, version = '1.0.0', changes: ManifestChanges = {}): ModelManifest {
  return parseManifest({
    ...{ model_id: modelId, name: modelId, version, model_type: 'detector', format: 'onnx', size_bytes: 1000 },
    sha256: digestOf(`${modelId}@${version}`),
    ...changes,
  });
}

/** Not a digest of anything; different for different texts. */
function digestOf(text: string): Sha256 {
  return Buffer.from(text).toString('hex').padEnd(64, '0').slice(-64) as Sha256;
}

export function known(made: ModelManifest, publishedAtMs = NOW_MS - 1000): KnownManifest {
  return { manifest: made, publishedAtMs, author: nodeId('Publisher') };
}

let commands = 0;

export function order(
  ofModel: ModelManifest,
  changes: Partial<Order['command']> & { readonly by?: string; readonly atMs?: number } = {},
): Order {
  const { by = 'Admin', atMs = NOW_MS - 500, ...command } = changes;
  commands += 1;
  return {
    author: nodeId(by),
    orderedAtMs: atMs,
    command: {
      type: 'model_update',
      command_id: `00000000-0000-4000-8000-${String(commands).padStart(12, '0')}`,
      action: 'deploy',
      manifest: ofModel,
      target_nodes: [],
      target: { node_ids: [], roles: [], regions: [], labels: {} },
      priority: 3,
      auto_load: true,
      timestamp: new Date(atMs).toISOString(),
      ...command,
    },
  };
}

export function rule(changes: { readonly name: string } & Record<string, unknown>): DeploymentRule {
  return ruleSchema.parse({ trigger: 'node_join', models: [{ name: '*' }], ...changes });
}

/** Nothing is ordered, everybody may everything. */
export function planInput(of: NodeFacts, changes: Partial<PlanInput> = {}): PlanInput {
  return {
    node: of,
    nodes: [],
    manifests: [],
    orders: [],
    rollouts: [],
    rules: [],
    pins: [],
    deprecated: [],
    access: { mayDeploy: () => undefined, mayRead: () => undefined },
    nowMs: NOW_MS,
    minuteOfDay: 12 * 60,
    ...changes,
  };
}
