/** What commands and rollouts say of a node. Spec: docs/spec/17-deployment.md §2.4, §3; 19-rollout.md §3. Pure. */
import { isNodeId, type NodeId } from '../../core/index.ts';
import type { ModelManifest, UpdateCommand } from '../../protocol/index.ts';
import { desiredVersionOf } from '../rollout/index.ts';
import type { NodeFacts, PlanInput, Refusal } from '../types.ts';
import { elsewhere, type Listener, type Said, type Withheld } from './candidate.ts';
import type { FleetIndex } from './fleet-index.ts';
import type { OrderEntry } from './precedence.ts';
import { isTargeted } from './target.ts';

type CommandEntry = Extract<OrderEntry, { kind: 'command' }>;
type RolloutEntry = Extract<OrderEntry, { kind: 'rollout' }>;

export function listenToOrders(
  index: FleetIndex,
  node: NodeFacts,
  hasFromRollout: PlanInput['hasFromRollout'],
  listener: Listener,
): void {
  for (const [modelId, entries] of index.orders) {
    for (const entry of entries) {
      if (listener.isDecided(modelId)) break;
      const said =
        entry.kind === 'command'
          ? commandFor(index, entry, node, listener.withheldBy)
          : rolloutFor(index, entry, node, hasFromRollout?.(entry.because.id) === true);
      listener.hear(entry.because, modelId, said);
    }
  }
}

function commandFor(index: FleetIndex, entry: CommandEntry, node: NodeFacts, withheldBy: Withheld): Said {
  const { command, because, modelId } = entry;
  const { manifest, priority, auto_load: load } = command;
  const { version } = manifest;
  if (!isCommanded(command, node)) return { why: 'it is for other nodes', version };
  const refusal = index.mayDeploy(manifest, because.author, command.action);
  const order = { modelId, manifest, priority, load, because, refusal };
  if (command.action === 'remove') return { candidate: { ...order, presence: 'absent' } };
  const rollout = withheldBy(manifest);
  if (rollout !== undefined && !mayStay(index, entry, node, rollout.id))
    return { why: `rollout ${rollout.id} keeps this version back here`, version };
  const count = replicasOf(command);
  if (count > 0 && refusal === undefined && !isChosen(index, entry, node, count))
    return { why: elsewhere(count), version };
  return { candidate: { ...order, presence: 'present' } };
}

/** What an order brought before is there already: a rollout that runs brings it to others, and takes it from nobody. */
function mayStay(index: FleetIndex, { command, modelId }: CommandEntry, node: NodeFacts, rolloutId: string): boolean {
  if (index.fleet.has?.(node.node_id, command.manifest) !== true) return false;
  const orders = index.orders.get(modelId) ?? [];
  const phases = orders.flatMap((one) =>
    one.kind === 'rollout' && one.because.id === rolloutId ? one.rollout.state.phase : [],
  );
  return phases.some((phase) => phase === 'running' || phase === 'paused');
}

function isChosen(index: FleetIndex, entry: CommandEntry, node: NodeFacts, count: number): boolean {
  const { command } = entry;
  const suits = (other: NodeFacts) =>
    isCommanded(command, other) ? index.fitOfReader(command.manifest, other) : undefined;
  return index.chosen(entry, entry.modelId, count, suits).has(node.node_id);
}

function isCommanded({ target_nodes: named, target }: UpdateCommand, node: NodeFacts): boolean {
  if (named.length === 0) return isTargeted(target, node);
  const ids = target.node_ids.length === 0 ? named : [...named, ...target.node_ids];
  return isTargeted({ ...target, node_ids: ids }, node);
}

/** Who names nodes means all of them, unless a number is said with them. */
function replicasOf({ replicas, target_nodes: named, target, manifest }: UpdateCommand): number {
  if (replicas !== undefined) return replicas;
  return named.length + target.node_ids.length > 0 ? 0 : manifest.deployment.replicas;
}

function rolloutFor(index: FleetIndex, entry: RolloutEntry, node: NodeFacts, hasIt: boolean): Said {
  const { rollout, because, modelId } = entry;
  const { spec, state } = rollout;
  const { version } = spec.manifest;
  if (!isTargeted(spec.target, node)) return { why: 'it is for other nodes', version };
  const mayGoOn = [spec.manifest, spec.previous].every(
    (one) => one === undefined || index.mayDeploy(one, spec.ordered_by) === undefined,
  );
  const { wish, manifest } = desiredVersionOf(rollout, node.node_id, { hasIt, mayGoOn });
  if (wish === 'withhold')
    return { why: `it is ${state.phase}, and orders nothing of this node`, version, withholds: manifest };
  const order = { modelId, manifest, priority: spec.priority, load: spec.probe, because };
  if (wish === 'lose') return { candidate: { ...order, presence: 'absent' } };
  return { candidate: { ...order, presence: 'present', refusal: refusalOf(index, manifest, spec.ordered_by, node) } };
}

/** One whose orderer may not order it any more goes on to what is there, or what another vouches for: nobody brings new bytes by it. */
function refusalOf(index: FleetIndex, manifest: ModelManifest, author: NodeId, node: NodeFacts): Refusal | undefined {
  const refusal = index.mayDeploy(manifest, author);
  if (refusal === undefined || index.fleet.has?.(node.node_id, manifest) === true) return undefined;
  const { signer = '' } = manifest.signature ?? {};
  return isNodeId(signer) && index.mayDeploy(manifest, signer) === undefined ? undefined : refusal;
}
