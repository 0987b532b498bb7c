/** What this node should have, of everything that the mesh and its owner say. Spec: docs/spec/17-deployment.md §2. */
import type { Clock, Emitter, NodeId } from '../../core/index.ts';
import {
  type Deployed,
  type Desired,
  type Fleet,
  inForceOf,
  type Pin,
  type PlanAccess,
  type PlanInput,
  planDesired,
  type Wishes,
} from '../../deploy/index.ts';
import { isInForce, type ModelManifest } from '../../protocol/index.ts';
import type { PinRepository } from '../../registry/index.ts';
import type { OrderContext } from '../../trust/index.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { DeploymentJournal } from './journal.ts';
import { type OrderBook, planAccess } from './orders.ts';
import type { DeprecationsView, ManifestsView, NodesView, RulesView } from './ports.ts';
import type { RolloutBook } from './rollout-book.ts';
import type { StatusBook } from './status-book.ts';

export interface FleetWishesOptions {
  readonly nodes: NodesView;
  readonly manifests: ManifestsView;
  readonly rules: RulesView;
  readonly deprecations: DeprecationsView;
  readonly orders: OrderBook;
  readonly rollouts: RolloutBook;
  readonly access: { orderContext(): OrderContext; readonly changes: Emitter<void> };
  readonly statuses: StatusBook;
  readonly journal: DeploymentJournal;
  readonly pins: PinRepository;
  readonly library: ModelLibrary;
  readonly clock: Clock;
}

export class FleetWishes implements Wishes {
  readonly #options: FleetWishesOptions;

  /** Signatures are looked at once; what they rest on changes seldom, and a plan is made often. */
  #rights: { readonly access: PlanAccess; readonly madeAtMs: number } | undefined;

  constructor(options: FleetWishesOptions) {
    this.#options = options;
  }

  /** A certificate, a revocation or the policy is another one. */
  forgetRights(): void {
    this.#rights = undefined;
  }

  async desired(): Promise<readonly Desired[]> {
    return planDesired(this.planInput());
  }

  /** For whoever explains or plans for others. */
  planInput(): PlanInput {
    return {
      ...this.fleet(),
      node: this.#options.nodes.self(),
      pins: this.pins(),
      hasFromRollout: (rolloutId) => this.#hasFromRollout(rolloutId),
    };
  }

  fleet(): Fleet {
    const { nodes, manifests, orders, rollouts, rules, deprecations, clock } = this.#options;
    return {
      nodes: nodes.nodes(),
      manifests: manifests.known(),
      orders: orders.list(),
      rollouts: rollouts.list().map(({ rollout, issuedAtMs }) => ({ rollout, issuedAtMs })),
      rules: rules.sets(),
      deprecated: deprecations.list(),
      access: this.#access(clock.monotonicMs()),
      has: this.#holdings(),
      nowMs: clock.nowMs(),
      minuteOfDay: minuteOfDay(clock.nowMs()),
    };
  }

  /** What the owner pinned, as far as its manifest is known. */
  pins(): Pin[] {
    const { pins, manifests, journal } = this.#options;
    return pins.list().flatMap(({ modelId, version, sha256, pinnedAtMs }) => {
      const row = journal.get(modelId);
      const here = [row?.manifest, row?.previous].find((one) => one?.version === version && one.sha256 === sha256);
      const manifest = manifests.find({ model_id: modelId, version, sha256 }) ?? here;
      return manifest === undefined ? [] : [{ manifest, pinnedAtMs }];
    });
  }

  #access(nowMs: number): PlanAccess {
    const known = this.#rights;
    if (known !== undefined && nowMs - known.madeAtMs <= NODE_LIMITS.rightsLastMs) return known.access;
    const access = planAccess(this.#options.access.orderContext());
    this.#rights = { access, madeAtMs: nowMs };
    return access;
  }

  /** Of this node by its library, of others by what they tell. */
  #holdings(): NonNullable<Fleet['has']> {
    const { nodes, library, statuses } = this.#options;
    const selfId = nodes.self().node_id;
    const told = new Map<NodeId, ReadonlySet<string>>();
    return (nodeId: NodeId, manifest: ModelManifest) => {
      if (nodeId === selfId) return library.find(manifest)?.state === 'ready';
      const known =
        told.get(nodeId) ?? new Set((statuses.of(nodeId)?.models ?? []).filter(isInForce).map(({ sha256 }) => sha256));
      told.set(nodeId, known);
      return known.has(manifest.sha256);
    };
  }

  #hasFromRollout(rolloutId: string): boolean {
    return this.#options.journal.list().some((row) => isFrom(row, rolloutId) && !isBack(row));
  }
}

function isFrom({ because }: Deployed, rolloutId: string): boolean {
  return because.kind === 'rollout' && because.id === rolloutId;
}

/** It failed, and what was there before is in force again. */
function isBack(row: Deployed): boolean {
  return row.step === 'settled' && row.error !== undefined && inForceOf(row) !== row.manifest;
}

function minuteOfDay(nowMs: number): number {
  const now = new Date(nowMs);
  return now.getHours() * 60 + now.getMinutes();
}
