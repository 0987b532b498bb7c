/** What this node should have, of everything that the mesh and its owner say. Spec: docs/spec/17-deployment.md §2. */
import type { Clock, Emitter, NodeId } from '../../core/index.ts';
import {
  type Deployed,
  type Desired,
  type Fleet,
  inForceOf,
  type Pin,
  type PlanInput,
  planDesired,
  type Wishes,
} from '../../deploy/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import type { PinRepository } from '../../registry/index.ts';
import type { OrderContext } from '../../trust/index.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import type { DeploymentJournal } from './journal.ts';
import { type OrderBook, planAccess } from './orders.ts';
import type { DeprecationsView, ManifestsView, NodesView, RulesView } from './ports.ts';
import type { RolloutBook } from './rollout-book.ts';

export interface FleetWishesOptions {
  readonly nodes: NodesView;
  readonly manifests: ManifestsView;
  readonly rules: RulesView;
  readonly deprecations: DeprecationsView;
  readonly orders: OrderBook;
  readonly rollouts: RolloutBook;
  readonly access: { orderContext(): OrderContext; readonly changes: Emitter<void> };
  readonly journal: DeploymentJournal;
  readonly pins: PinRepository;
  readonly library: ModelLibrary;
  readonly clock: Clock;
}

export class FleetWishes implements Wishes {
  readonly #options: FleetWishesOptions;

  constructor(options: FleetWishesOptions) {
    this.#options = options;
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
    const { nodes, manifests, orders, rollouts, rules, deprecations, access, library, clock } = this.#options;
    const selfId = nodes.self().node_id;
    return {
      nodes: nodes.nodes(),
      manifests: manifests.known(),
      orders: orders.list(),
      rollouts: rollouts.list().map(({ rollout, issuedAtMs }) => ({ rollout, issuedAtMs })),
      rules: rules.sets(),
      deprecated: deprecations.list(),
      access: planAccess(access.orderContext()),
      has: (nodeId: NodeId, manifest: ModelManifest) => nodeId === selfId && library.find(manifest)?.state === 'ready',
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
