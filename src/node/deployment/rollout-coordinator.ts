/**
 * Coordinates rollouts where it is this node's turn: plans, publishes what changed, is heard again within the lease; and takes
 * over from a coordinator that went silent. Holds nothing of its own: all of it is in the records, so a restart goes on.
 * Spec: docs/spec/19-rollout.md §6.
 */
import type { Clock, Logger, NodeId } from '../../core/index.ts';
import { messageOf } from '../../core/index.ts';
import {
  changeRollout,
  isOver,
  leaseMsOf,
  planRollout,
  planTakeover,
  type RolloutChange,
  type RolloutNode,
  renewMsOf,
  takeOver,
  takeUpAgain,
} from '../../deploy/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { ModelStatusEntry, RolloutSpec, RolloutState } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import { SpacedCalls } from '../spaced-calls.ts';
import type { KnownRollout, RolloutBook } from './rollout-book.ts';

/** What a coordinator sees of the fleet. */
export interface RolloutFleet {
  nodesOf(spec: RolloutSpec): readonly RolloutNode[];
  statusesOf(modelId: string): ReadonlyMap<NodeId, readonly ModelStatusEntry[]>;
  /** Online members whose role may deploy the model and author rollouts, this node among them where it may. */
  coordinatorsOf(modelId: string): readonly NodeId[];
}

export interface RolloutCoordinatorOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'publish' | 'peers'>;
  readonly book: RolloutBook;
  readonly fleet: RolloutFleet;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class RolloutCoordinator implements Disposable {
  readonly #options: RolloutCoordinatorOptions;
  readonly #looks: SpacedCalls;
  readonly #stops: (() => void)[] = [];
  /** By rollout: when this node published it last, by the monotonic clock. */
  readonly #publishedAtMs = new Map<string, number>();
  /** Since when others are heard, by the monotonic clock. */
  #hearsSinceMs = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(options: RolloutCoordinatorOptions) {
    this.#options = options;
    const { clock } = options;
    const { rolloutLookBurst: burst, rolloutLookEveryMs: everyMs } = NODE_LIMITS;
    this.#looks = new SpacedCalls({ clock, burst, everyMs, act: () => this.#lookAtAll() });
  }

  start(): void {
    this.#hearsSinceMs = this.#options.clock.monotonicMs();
    this.#stops.push(this.#options.book.changes.on(() => this.look()));
    this.look();
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#looks[Symbol.dispose]();
    this.#cancelTimer?.();
  }

  /** Something that a rollout depends on has changed: a status, a node that came. */
  look(): void {
    this.#looks.call();
  }

  /** Says the first word on a rollout, or a changed one. Throws MeshError `record_refused`. */
  publish(known: Pick<KnownRollout, 'signedSpec'>, state: RolloutState): void {
    const { mesh, clock } = this.#options;
    const id = String(known.signedSpec.rollout_id);
    const payload = { type: 'rollout', spec: known.signedSpec, state };
    this.#publishedAtMs.set(id, clock.monotonicMs());
    mesh.publish({ kind: 'rollout', key: id, payload, ttlMs: NODE_LIMITS.rolloutLifeMs });
  }

  /** What a person at this node makes of it. Throws NodeError `rollout_over`, `rollout_refused`. */
  change(known: KnownRollout, change: RolloutChange, why: string): void {
    const { mesh, clock } = this.#options;
    const { spec, state } = known.rollout;
    const doing = `Changing rollout ${spec.rollout_id.slice(0, 8)}`;
    if (change === 'resume' && known.flaw !== undefined)
      throw new NodeError(
        'rollout_refused',
        `${doing}: whoever ordered it may not (${known.flaw}); it can only be aborted`,
      );
    const nowMs = Math.floor(clock.nowMs());
    const next = changeRollout(state, change, { why, nowMs });
    if (next === undefined)
      throw new NodeError(
        'rollout_over',
        `${doing}: ${change} is for one that runs or waits; this one is ${state.phase}`,
        {
          data: { phase: state.phase },
        },
      );
    this.publish(known, takeOver(next, mesh.nodeId, nowMs));
  }

  #lookAtAll(): void {
    const { book, clock, logger } = this.#options;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const known of book.list()) {
      if (isOver(known.rollout.state.phase)) continue;
      try {
        nextMs = Math.min(nextMs, this.#lookAt(known));
      } catch (thrown) {
        logger.warn({ rollout: known.rollout.spec.rollout_id, reason: messageOf(thrown) }, 'a rollout does not go on');
        nextMs = Math.min(nextMs, renewMsOf(known.rollout.spec));
      }
    }
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (Number.isFinite(nextMs)) this.#cancelTimer = clock.after(Math.max(nextMs, 50), () => this.look());
  }

  /** When to look again, from now. */
  #lookAt(known: KnownRollout): number {
    const { mesh } = this.#options;
    const isOurs = known.author === mesh.nodeId && known.rollout.state.coordinator === mesh.nodeId;
    if (!isOurs) return this.#watch(known);
    if (this.#isCutOff(known)) return this.#beDeaf(known);
    return this.#publishedAtMs.has(known.rollout.spec.rollout_id) ? this.#plan(known) : this.#takeUpAgain(known);
  }

  /** Then it is not the others that are silent. */
  #isCutOff({ rollout: { spec } }: KnownRollout): boolean {
    const { mesh, fleet } = this.#options;
    return mesh.peers().length === 0 && fleet.nodesOf(spec).some(({ nodeId }) => nodeId !== mesh.nodeId);
  }

  /** As after a restart, once somebody is heard again. */
  #beDeaf({ rollout: { spec } }: KnownRollout): number {
    this.#hearsSinceMs = this.#options.clock.monotonicMs();
    this.#publishedAtMs.delete(spec.rollout_id);
    return renewMsOf(spec);
  }

  /** Coordinated before this start, or before it was cut off: another may have gone on with it meanwhile, and is listened for first. */
  #takeUpAgain(known: KnownRollout): number {
    const { clock } = this.#options;
    const { spec, state } = known.rollout;
    const waitMs = leaseMsOf(spec) - (clock.monotonicMs() - this.#hearsSinceMs);
    if (waitMs > 0) return waitMs;
    this.publish(known, takeUpAgain(state, Math.floor(clock.nowMs())));
    return renewMsOf(spec);
  }

  #plan(known: KnownRollout): number {
    const { fleet, clock } = this.#options;
    const { spec, state: before } = known.rollout;
    const nowMs = Math.floor(clock.nowMs());
    const { state, done } = planRollout(before, {
      spec,
      nodes: fleet.nodesOf(spec),
      statuses: fleet.statusesOf(spec.manifest.model_id),
      nowMs,
      mayGoOn: known.flaw === undefined,
    });
    const renewMs = renewMsOf(spec);
    const silentMs = clock.monotonicMs() - (this.#publishedAtMs.get(spec.rollout_id) ?? Number.NEGATIVE_INFINITY);
    const isChanged = JSON.stringify(state) !== JSON.stringify(before);
    if (isChanged || silentMs >= renewMs) {
      this.publish(known, state);
      return done ? Number.POSITIVE_INFINITY : Math.min(renewMs, untilDue(state, spec, nowMs));
    }
    return Math.min(renewMs - silentMs, untilDue(state, spec, nowMs));
  }

  #watch(known: KnownRollout): number {
    const { mesh, fleet, clock, logger } = this.#options;
    const { rollout, heardAtMs } = known;
    const { spec, state } = rollout;
    const candidates = fleet.coordinatorsOf(spec.manifest.model_id);
    const silentMs = clock.monotonicMs() - heardAtMs;
    const takeover = planTakeover({ rollout, self: mesh.nodeId, candidates, silentMs });
    if (!takeover.take) return takeover.waitMs ?? Number.POSITIVE_INFINITY;
    logger.warn(
      { rollout: spec.rollout_id, from: state.coordinator },
      'taking a rollout over: its coordinator is silent',
    );
    this.publish(known, takeOver(state, mesh.nodeId, Math.floor(clock.nowMs())));
    return renewMsOf(spec);
  }
}

/** Until time alone changes something. */
function untilDue(
  state: RolloutState,
  { soak_ms: soakMs, node_timeout_ms: timeoutMs }: RolloutSpec,
  nowMs: number,
): number {
  const { soak_began_at: soak, back_began_at: back, wave_began_at: wave } = state;
  const due = [
    soak === undefined ? [] : soak + soakMs,
    back === undefined ? [] : back + timeoutMs,
    wave + timeoutMs,
  ].flat();
  const ahead = due.map((atMs) => atMs - nowMs).filter((leftMs) => leftMs > 0);
  return Math.min(Number.POSITIVE_INFINITY, ...ahead);
}
