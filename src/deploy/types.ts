/** What deployment decides about: a node, a wish, and how things are. Spec: docs/spec/17-deployment.md §2, §4. */
import type { ModelId, NodeId, Sha256 } from '../core/index.ts';
import type { ModelManifest, ModelStatusWord, NodeCapabilities } from '../protocol/index.ts';

/** A node as decisions see it: what it says of itself, with the role of its certificate. */
export type NodeFacts = NodeCapabilities;

export type FitWord = 'yes' | 'degraded' | 'no';

export interface FitReason {
  /** `memory`, `vram`, `cores`, `gpu`, `disk`, `architecture`, `provider`, `python`, `package`, `model_size`, `model_count`, `region`, … */
  readonly code: string;
  /** What is there against what was wanted. */
  readonly message: string;
  /** A degraded fit runs all the same. */
  readonly severity: 'refused' | 'degraded';
}

export interface Fit {
  readonly fit: FitWord;
  readonly reasons: readonly FitReason[];
}

/** Why something should be here. */
export interface Because {
  readonly kind: 'pin' | 'command' | 'rollout' | 'rule' | 'organic' | 'request';
  /** Command or rollout id, name of the rule; empty where there is none. */
  readonly id: string;
  /** Who ordered it; undefined for this node's own owner. */
  readonly author: NodeId | undefined;
  readonly orderedAtMs: number;
}

/** One model as it should be on this node. */
export interface Desired {
  readonly modelId: ModelId;
  /** `absent`: it should go. */
  readonly presence: 'present' | 'absent';
  readonly manifest: ModelManifest;
  /** Load it and have it answer, beyond being there. */
  readonly load: boolean;
  /** 1 is first. */
  readonly priority: number;
  readonly because: Because;
  /** Why this node does not do it although it was told to: every reason. */
  readonly refused?: readonly { readonly code: string; readonly message: string }[];
}

/**
 * How far a deployment is; what a crash finds. `settled` with its status is the end of it, good or bad.
 * fetch → gate → probe → activate → settled; a failed probe goes to rollback → settled.
 */
export const DEPLOYMENT_STEPS = ['fetch', 'gate', 'probe', 'activate', 'rollback', 'remove', 'settled'] as const;
export type DeploymentStep = (typeof DEPLOYMENT_STEPS)[number];

/** One model as it is on this node. */
export interface Deployed {
  readonly modelId: ModelId;
  readonly version: string;
  readonly sha256: Sha256;
  readonly status: ModelStatusWord;
  readonly step: DeploymentStep;
  readonly manifest: ModelManifest;
  /** What was in force before and is kept until this one is confirmed, and as long as it is for going back. */
  readonly previous: ModelManifest | undefined;
  readonly because: Because;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly downloadProgress: number;
  readonly verifiedAtMs: number | undefined;
  readonly loadedAtMs: number | undefined;
  readonly transferMs: number | undefined;
  /** Attempts in vain since the wish last changed. */
  readonly attempts: number;
  /** Not tried again before. */
  readonly retryAtMs: number | undefined;
  readonly updatedAtMs: number;
}
