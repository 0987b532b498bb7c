/** What the exchange needs of a node. Spec: docs/spec/17-deployment.md §7. */
import type { Clock, Emitter, Logger, NodeId, Random } from '../../core/index.ts';
import type { Fit } from '../../deploy/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { ModelAvailable, ModelEntry } from '../../protocol/index.ts';
import type { ModelCatalog, ModelVariant } from '../../registry/index.ts';

export interface ExchangeSurroundings {
  readonly mesh: Pick<Mesh, 'nodeId' | 'records' | 'recordEvents' | 'publish'>;
  readonly catalog: Pick<ModelCatalog, 'getAllModels' | 'events'>;
  readonly library: { entries(): readonly ModelEntry[]; readonly changes: Emitter<void> };
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** May this node have the model from here? By the access policy. */
  mayRead(modelId: string, nodeId: NodeId): boolean;
  isDeprecated(modelId: string, version: string): boolean;
  /** By what is known now of this machine and of the model's needs. */
  fitOf(variant: ModelVariant): Fit;
}

/** Somebody has a model that is new to it. Whether this node wants it is decided by the plan of what should be here. */
export interface AvailableEvent {
  readonly from: NodeId;
  readonly message: ModelAvailable;
}
