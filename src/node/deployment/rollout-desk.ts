/** Takes an order for a staged rollout: checks it, finds what it goes back to, signs it, and begins. Spec: docs/spec/19-rollout.md §1. */
import type { Clock, NodeId } from '../../core/index.ts';
import { isOver, startRollout } from '../../deploy/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import {
  areGrowingWaves,
  canonicalBytes,
  isInForce,
  type ModelManifest,
  type ModelStatusEntry,
  PROTOCOL_LIMITS,
  type RolloutSpec,
  rolloutIdOf,
  rolloutSpecSchema,
  SIGNING_CONTEXTS,
  type Target,
} from '../../protocol/index.ts';
import { type OrderContext, signObject, verifyOrder } from '../../trust/index.ts';
import { NodeError } from '../errors.ts';
import type { KnownRollout, RolloutBook } from './rollout-book.ts';
import type { RolloutCoordinator, RolloutFleet } from './rollout-coordinator.ts';

export interface RolloutOrderForm {
  readonly manifest: ModelManifest;
  readonly target: Target;
  readonly waves: readonly string[];
  readonly max_failures: number;
  readonly soak_ms: number;
  readonly node_timeout_ms: number;
  readonly probe: boolean;
  readonly priority: number;
}

export interface RolloutDeskOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'identity'>;
  readonly book: RolloutBook;
  readonly coordinator: RolloutCoordinator;
  readonly fleet: RolloutFleet;
  /** The manifest of a content that is somewhere in force. */
  readonly manifestOf: (
    content: Pick<ModelStatusEntry, 'model_id' | 'version' | 'sha256'>,
  ) => ModelManifest | undefined;
  readonly orderContext: () => OrderContext;
  /** Writes down what is about to be ordered; throws where it cannot, and then nothing is. */
  readonly insist: (facts: Readonly<Record<string, unknown>>) => void;
  readonly clock: Clock;
}

export class RolloutDesk {
  readonly #options: RolloutDeskOptions;

  constructor(options: RolloutDeskOptions) {
    this.#options = options;
  }

  /** Throws NodeError `rollout_refused`, `audit_failed`; TrustError `order_refused`; MeshError `record_refused`. */
  order(form: RolloutOrderForm): KnownRollout {
    const { mesh, book, coordinator, orderContext, clock } = this.#options;
    const { model_id: modelId } = form.manifest;
    verifyOrder({ author: mesh.nodeId, manifest: form.manifest }, orderContext());
    verifyWaves(form);
    const running = book.list().find(({ rollout }) => isOfModel(rollout.spec, modelId) && !isOver(rollout.state.phase));
    if (running !== undefined) throw refused(modelId, `rollout ${short(running)} of it is not over`);
    const nowMs = Math.floor(clock.nowMs());
    const spec = this.#spec(form, nowMs);
    const reach = this.#options.fleet.nodesOf(spec).length;
    if (reach === 0) throw refused(modelId, 'it is for no node of this mesh that it fits');
    verifySize(spec, reach);
    const { version, sha256 } = spec.manifest;
    this.#options.insist({
      what: 'rollout',
      model_id: modelId,
      version,
      sha256,
      order: spec.rollout_id,
      target: spec.target,
    });
    const signedSpec = signObject(SIGNING_CONTEXTS.rollout, spec, signerOf(mesh), nowMs);
    coordinator.publish({ signedSpec }, startRollout(spec, mesh.nodeId, nowMs).state);
    const known = book.get(spec.rollout_id);
    if (known === undefined) throw refused(modelId, 'this node does not heed its own order');
    return known;
  }

  #spec(form: RolloutOrderForm, nowMs: number): RolloutSpec {
    const { mesh } = this.#options;
    const order = { type: 'rollout_spec' as const, ordered_by: mesh.nodeId, ordered_at: nowMs, ...form };
    const rolloutId = rolloutIdOf(order);
    const spec = rolloutSpecSchema.parse({ ...order, rollout_id: rolloutId, waves: [...form.waves] });
    const previous = this.#previousOf(spec);
    return previous === undefined ? spec : { ...spec, previous };
  }

  /** What most of those that it is for have now. */
  #previousOf(spec: RolloutSpec): ModelManifest | undefined {
    const { fleet, manifestOf } = this.#options;
    const { model_id: modelId, sha256 } = spec.manifest;
    const statuses = fleet.statusesOf(modelId);
    const found = new Map<string, { readonly entry: ModelStatusEntry; count: number }>();
    for (const { nodeId } of fleet.nodesOf(spec))
      for (const entry of (statuses.get(nodeId) ?? []).filter((other) => isInForce(other) && other.sha256 !== sha256)) {
        const known = found.get(entry.sha256) ?? { entry, count: 0 };
        found.set(entry.sha256, { ...known, count: known.count + 1 });
      }
    const byCount = [...found.values()].sort((a, b) => b.count - a.count || (a.entry.sha256 < b.entry.sha256 ? -1 : 1));
    const [most] = byCount;
    if (most === undefined) return undefined;
    const manifest = manifestOf(most.entry);
    if (manifest !== undefined) return manifest;
    throw refused(modelId, `the manifest of ${most.entry.version}, which it would go back to, is not known here`);
  }
}

function verifyWaves({ manifest, waves }: RolloutOrderForm): void {
  if (areGrowingWaves(waves)) return;
  throw refused(
    manifest.model_id,
    `waves ${waves.join(',')}: numbers have to grow, shares have to grow, and the last is 100%`,
  );
}

/** All of its nodes have to fit into its record. */
function verifySize(spec: RolloutSpec, reach: number): void {
  const nodes = Math.min(reach, PROTOCOL_LIMITS.rolloutNodes);
  const bytes = canonicalBytes(spec).length + nodes * BYTES_PER_NODE + BYTES_AROUND;
  if (bytes <= PROTOCOL_LIMITS.recordBytes) return;
  const { model_id: modelId } = spec.manifest;
  throw refused(
    modelId,
    `its record would have ${bytes} bytes of ${PROTOCOL_LIMITS.recordBytes}; name the nodes by role or region`,
  );
}

const BYTES_PER_NODE = 58;
const BYTES_AROUND = 4096;

function isOfModel(spec: RolloutSpec, modelId: string): boolean {
  return spec.manifest.model_id === modelId;
}

function signerOf({ identity }: Pick<Mesh, 'identity'>): {
  readonly id: NodeId;
  readonly privateKey: typeof identity.nodeKey;
} {
  return { id: identity.nodeId, privateKey: identity.nodeKey };
}

function short({ rollout }: KnownRollout): string {
  return rollout.spec.rollout_id.slice(0, 8);
}

function refused(modelId: string, why: string): NodeError {
  return new NodeError('rollout_refused', `Rolling out ${modelId}: ${why}`);
}
