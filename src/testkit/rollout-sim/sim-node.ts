/** A simulated node: gets the version that the rollout wants, takes its time, and may fail, hang, go away or lose its disk's word. */
import type { NodeId, Random } from '../../core/index.ts';
import { desiredVersionOf, type RolloutNode } from '../../deploy/index.ts';
import type { ModelManifest, ModelStatusEntry, Rollout } from '../../protocol/index.ts';
import type { RolloutBoard } from './rollout-board.ts';

/** What the new version does on this node. */
export type Fate = 'good' | 'fails' | 'hangs';

export interface SimNodeOptions {
  readonly nodeId: NodeId;
  readonly architecture: string;
  readonly fate: Fate;
  readonly mayDeploy: boolean;
  readonly previous: ModelManifest | undefined;
}

export class SimNode {
  readonly options: SimNodeOptions;
  online = true;
  /** The new version is or was in force, or on its way. */
  wasGiven = false;
  /** In force now. */
  version: string | undefined;
  readonly #entries = new Map<string, ModelStatusEntry>();
  #work: { readonly wanted: ModelManifest | undefined; readonly untilMs: number } | undefined;

  constructor(options: SimNodeOptions) {
    this.options = options;
    this.version = options.previous?.version;
    if (options.previous !== undefined) this.#note(options.previous, 'Loaded', {});
  }

  get nodeId(): NodeId {
    return this.options.nodeId;
  }

  get asRolloutNode(): RolloutNode {
    return { nodeId: this.nodeId, architecture: this.options.architecture, online: this.online };
  }

  get entries(): readonly ModelStatusEntry[] {
    return [...this.#entries.values()];
  }

  /** True when it says something new. */
  act(rollout: Rollout, nowMs: number, random: Random): boolean {
    const { spec } = rollout;
    const wish = desiredVersionOf(rollout, this.nodeId, { hasIt: this.wasGiven });
    const wanted = wish.wish === 'have' ? wish.manifest : undefined;
    if (wish.wish === 'withhold') return false;
    if (this.#work !== undefined && this.#work.wanted === wanted) return this.#finish(rollout, nowMs);
    if (this.#isSettled(wanted, spec.manifest)) return false;
    const isNew = wanted === spec.manifest;
    const hangs = isNew && this.options.fate === 'hangs';
    this.#work = { wanted, untilMs: hangs ? Number.POSITIVE_INFINITY : nowMs + 5_000 + random.next() * 60_000 };
    if (isNew) {
      this.wasGiven = true;
      this.#note(spec.manifest, 'Downloading', { because: `rollout:${spec.rollout_id}` });
    }
    return true;
  }

  tellOn(board: RolloutBoard, nowMs: number): void {
    board.tell(this.nodeId, { entries: this.entries, saidMs: nowMs });
  }

  #isSettled(wanted: ModelManifest | undefined, next: ModelManifest): boolean {
    const own = this.#entries.get(next.version);
    if (wanted === next) return own?.status === 'Failed' || this.version === next.version;
    return this.version === wanted?.version && (own === undefined || own.status === 'Failed');
  }

  #finish({ spec }: Rollout, nowMs: number): boolean {
    const { wanted, untilMs } = this.#work ?? { wanted: undefined, untilMs: Number.POSITIVE_INFINITY };
    if (nowMs < untilMs) return false;
    this.#work = undefined;
    if (wanted === spec.manifest && this.options.fate === 'fails') {
      this.#note(spec.manifest, 'Failed', { because: `rollout:${spec.rollout_id}`, error_code: 'probe_failed' });
      return true;
    }
    for (const [version, entry] of this.#entries) if (entry.status !== 'Failed') this.#entries.delete(version);
    this.version = wanted?.version;
    if (wanted !== undefined) this.#note(wanted, 'Loaded', { because: `rollout:${spec.rollout_id}` });
    return true;
  }

  #note(manifest: ModelManifest, status: ModelStatusEntry['status'], more: Partial<ModelStatusEntry>): void {
    const { model_id, version, sha256 } = manifest;
    this.#entries.set(version, {
      ...{ model_id, version, sha256, status, download_progress: 1, updated_at: '2030-01-01T00:00:00.000Z' },
      ...more,
    });
  }
}
