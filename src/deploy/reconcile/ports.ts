/** What the reconciler needs of a node. Each call may be made again after a crash, and must then end alike. */
import type { ModelId, NodeId } from '../../core/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import type { ContentKey, Deployed, Desired, Refusal } from '../types.ts';

/** The journal. What `put` returned from outlives the process; a power cut may bring an older state back, which is as good a start. */
export interface DeploymentStore {
  list(): readonly Deployed[];
  get(modelId: ModelId): Deployed | undefined;
  put(row: Deployed): void;
  delete(modelId: ModelId): void;
}

export interface FetchOptions {
  /** 1 is first. */
  readonly priority: number;
  /** Share of the bytes that are verified, 0–1. */
  readonly onProgress: (share: number) => void;
}

/** Gets a model's content and installs it under its version, or deletes it again. */
export interface Fetcher {
  isHere(manifest: ModelManifest): Promise<boolean>;
  /** Resolves when every byte is verified and in its place. Throws what made it fail; the signal's reason when it comes. */
  fetch(manifest: ModelManifest, options: FetchOptions, signal: AbortSignal): Promise<void>;
  /** Nothing happens when it is not here. */
  drop(modelId: ModelId, content: ContentKey): Promise<void>;
}

/** May a content that has come be loaded? Every reason against it; none is yes. */
export interface Gate {
  judge(manifest: ModelManifest, author: NodeId | undefined, signal: AbortSignal): Promise<readonly Refusal[]>;
}

/** Does it load, and does it answer? Throws what it failed with. */
export interface Prober {
  probe(manifest: ModelManifest, signal: AbortSignal): Promise<{ readonly outcome: 'loaded' | 'checked' }>;
}

/** What is in force: one rename each. */
export interface Activator {
  activate(manifest: ModelManifest): Promise<void>;
  /** Nothing of the model is in force any more. */
  deactivate(modelId: ModelId): Promise<void>;
}

/** Hears of each change of the journal; must not throw. */
export interface StatusSink {
  changed(modelId: ModelId): void;
}

export type DeploymentEvent =
  | 'deployment_began'
  | 'deployment_probed'
  | 'deployment_in_force'
  | 'deployment_failed'
  | 'deployment_refused'
  | 'deployment_rolled_back'
  | 'deployment_rollback_failed'
  | 'deployment_removed';

export interface AuditSink {
  note(event: DeploymentEvent, data: Readonly<Record<string, unknown>>): void;
}

/** What should be here now. */
export interface Wishes {
  desired(): Promise<readonly Desired[]>;
}
