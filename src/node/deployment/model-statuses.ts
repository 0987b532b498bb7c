/**
 * What all nodes say of one model, kept for the models that are asked of: a fleet tells of a million, a rollout is about one.
 */
import type { Emitter, NodeId } from '../../core/index.ts';
import type { ModelStatusEntry } from '../../protocol/index.ts';
import { NODE_LIMITS } from '../limits.ts';

interface Told {
  readonly nodeId: NodeId;
  readonly models: readonly ModelStatusEntry[];
}

export interface StatusSource {
  all(): readonly Told[];
  of(nodeId: NodeId): Told | undefined;
  readonly changes: Pick<Emitter<NodeId>, 'on'>;
}

export class ModelStatuses implements Disposable {
  readonly #source: StatusSource;
  readonly #byModel = new Map<string, Map<NodeId, readonly ModelStatusEntry[]>>();
  readonly #stop: () => void;

  constructor(source: StatusSource) {
    this.#source = source;
    this.#stop = source.changes.on((nodeId) => this.#read(nodeId));
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  /** Nodes that say nothing of it are absent. */
  of(modelId: string): ReadonlyMap<NodeId, readonly ModelStatusEntry[]> {
    const known = this.#byModel.get(modelId);
    if (known !== undefined) return known;
    if (this.#byModel.size >= NODE_LIMITS.watchedModels) this.#byModel.clear();
    const made = new Map<NodeId, readonly ModelStatusEntry[]>();
    for (const told of this.#source.all()) put(made, modelId, told.nodeId, told);
    this.#byModel.set(modelId, made);
    return made;
  }

  #read(nodeId: NodeId): void {
    if (this.#byModel.size === 0) return;
    const told = this.#source.of(nodeId);
    for (const [modelId, nodes] of this.#byModel) put(nodes, modelId, nodeId, told);
  }
}

function put(
  nodes: Map<NodeId, readonly ModelStatusEntry[]>,
  modelId: string,
  nodeId: NodeId,
  told: Told | undefined,
): void {
  const entries = (told?.models ?? []).filter((entry) => entry.model_id === modelId);
  if (entries.length === 0) nodes.delete(nodeId);
  else nodes.set(nodeId, entries);
}
