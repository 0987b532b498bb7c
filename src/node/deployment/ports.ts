/** What deployment at this node needs of its other parts. */
import type { Emitter } from '../../core/index.ts';
import type { FleetNode, KnownManifest, NodeFacts, RuleSet } from '../../deploy/index.ts';
import type { ModelDeprecation, ModelManifest } from '../../protocol/index.ts';
import type { ContentName } from '../library/model-library.ts';

/** Nodes as they describe themselves. */
export interface NodesView {
  /** This one. */
  self(): NodeFacts;
  /** All current members that said what they are, this one too. */
  nodes(): readonly FleetNode[];
  readonly changes: Pick<Emitter<unknown>, 'on'>;
}

/** Manifests that count, and this node's own. */
export interface ManifestsView {
  known(): readonly KnownManifest[];
  /** Of exactly this content. */
  find(content: ContentName): ModelManifest | undefined;
  readonly changes: Pick<Emitter<unknown>, 'on'>;
}

export interface RulesView {
  sets(): readonly RuleSet[];
  readonly changes: Pick<Emitter<unknown>, 'on'>;
}

export interface DeprecationsView {
  list(): readonly Pick<ModelDeprecation, 'model_id' | 'version'>[];
  readonly changes: Pick<Emitter<unknown>, 'on'>;
}
