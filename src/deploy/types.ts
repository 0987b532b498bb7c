/** What deployment decides about: a node, a wish, and how things are. Spec: docs/spec/17-deployment.md §2, §4. */
import type { ModelId, NodeId, Sha256 } from '../core/index.ts';
import type {
  DeploymentRule,
  ModelDeprecation,
  ModelManifest,
  ModelStatusWord,
  NodeCapabilities,
  Rollout,
  UpdateCommand,
} from '../protocol/index.ts';

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

/** One content of a model. */
export interface ContentKey {
  readonly version: string;
  readonly sha256: Sha256;
}

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
  /** What `current` names: this one, the one before it, or nothing of this model. */
  readonly inForce: 'this' | 'previous' | 'none';
  /** How the previous one was found when it was put back in force; undefined when it never had to be. */
  readonly previousStatus: ModelStatusWord | undefined;
  /** As it was wished: loaded, and how soon. */
  readonly load: boolean;
  readonly priority: number;
  /** Contents of this model that were fetched for deployments: they go when nothing needs them. */
  readonly owned: readonly ContentKey[];
  readonly because: Because;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** What a roll-back came of, while it is not done. */
  readonly cause: { readonly code: string; readonly message: string; readonly again: boolean } | undefined;
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

/** A node of the mesh, as a plan sees it. */
export interface FleetNode {
  readonly facts: NodeFacts;
  /** Heard of within the catalog's life: counted where replicas are spread. */
  readonly online: boolean;
}

/** A manifest that may be deployed: whoever gives it to a plan has checked its signature. */
export interface KnownManifest {
  readonly manifest: ModelManifest;
  /** When its record was issued; for a local one, when it was made. */
  readonly publishedAtMs: number;
  /** Undefined: this node's own, not published. */
  readonly author?: NodeId | undefined;
}

export interface Order {
  readonly command: UpdateCommand;
  readonly author: NodeId;
  /** The record's `issued_at`. */
  readonly orderedAtMs: number;
}

export interface RolloutOrder {
  /** One a rollout: its records are brought together by `19-rollout` §6. It counts as ordered when its spec says. */
  readonly rollout: Rollout;
  /** The record's `issued_at`: its spec cannot be later. */
  readonly issuedAtMs: number;
}

/** One set of rules. Sets of one name from several authors: the latest counts. */
export interface RuleSet {
  readonly name: string;
  readonly rules: readonly DeploymentRule[];
  /** Undefined: the file of this node's owner, which stands above the mesh's. */
  readonly author: NodeId | undefined;
  readonly orderedAtMs: number;
}

/** What this node's owner holds fast, whatever others order. */
export interface Pin {
  readonly manifest: ModelManifest;
  readonly load?: boolean;
  readonly pinnedAtMs: number;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** What the access policy decides, declared here and wired by the node: undefined is yes. */
export interface PlanAccess {
  /** May this author order this model? Asked for the authors of commands, rollouts and rules. */
  mayDeploy(manifest: ModelManifest, author: NodeId, action?: 'deploy' | 'remove'): Refusal | undefined;
  /** May a node of this role fetch it? */
  mayRead(manifest: ModelManifest, role: string): Refusal | undefined;
}

/** Everything that a plan rests on, for all nodes alike; the same input gives the same plan everywhere. */
export interface Fleet {
  /** All current members that said what they are; the planned one need not be online. */
  readonly nodes: readonly FleetNode[];
  readonly manifests: readonly KnownManifest[];
  readonly orders: readonly Order[];
  readonly rollouts: readonly RolloutOrder[];
  readonly rules: readonly RuleSet[];
  readonly deprecated: readonly Pick<ModelDeprecation, 'model_id' | 'version'>[];
  readonly access: PlanAccess;
  /** Whether a node has these bytes already: it then needs no room for them. */
  has?(nodeId: NodeId, manifest: ModelManifest): boolean;
  readonly nowMs: number;
  /** Minutes since midnight where the planned node is, 0–1439; for rules of the `schedule` kind. */
  readonly minuteOfDay: number;
}

export interface PlanInput extends Fleet {
  readonly node: NodeFacts;
  readonly pins: readonly Pin[];
  /** Whether, because of this rollout, its new content is in force here or on its way. */
  hasFromRollout?(rolloutId: string): boolean;
}
