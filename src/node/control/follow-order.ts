/**
 * The progress of an order over the fleet, as nodes tell it: until all that are online have answered, or say nothing any more. Who
 * listens may go away at any time; the order stays. Spec: docs/spec/17-deployment.md §6.
 */
import type { OrderEvent } from '../../api/index.ts';
import type { NodeId } from '../../core/index.ts';
import { isTargeted } from '../../deploy/index.ts';
import {
  isInForce,
  type ModelStatusEntry,
  parseUpdateCommand,
  type SignedRecord,
  type UpdateCommand,
} from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import { toDeploymentRow } from './deployment-rows.ts';
import { eventQueue } from './event-queue.ts';
import { nameOf } from './known-names.ts';
import { listNodes } from './mesh-control.ts';
import { nobodyMeant } from './nobody-meant.ts';
import { overrulerOf } from './overruled.ts';
import type { NodeParts } from './parts.ts';

interface Followed {
  readonly node: { readonly node_id: string; readonly node_name: string; readonly online: boolean };
  told: string;
  end: 'done' | 'failed' | undefined;
}

export interface FollowOptions {
  /** For those that are away too. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
}

/** Throws NodeError `no_target` at once where the order is for nobody. */
export function followOrder(
  parts: NodeParts,
  command: UpdateCommand,
  options: FollowOptions,
): AsyncGenerator<OrderEvent> {
  const followed = whomOf(parts, command);
  if (followed.size > 0) return follow(parts, command, followed, options);
  const { model_id } = command.manifest;
  const places = parts.deployment.nodes.nodes().map((node) => node.facts);
  throw new NodeError('no_target', `Ordering ${model_id}: ${nobodyMeant(command.target, places)}`);
}

async function* follow(
  parts: NodeParts,
  command: UpdateCommand,
  followed: ReadonlyMap<NodeId, Followed>,
  { wait, signal }: FollowOptions,
): AsyncGenerator<OrderEvent> {
  const { statuses } = parts.deployment;
  const facts = factsOf(command);
  yield { event: 'ordered', ...facts, nodes: [...followed.values()].map(({ node }) => node) };
  const queue = eventQueue<NodeId | 'quiet'>(signal);
  const quiet = quietAfter(parts, () => queue.push('quiet'));
  const stop = statuses.changes.on((nodeId) => queue.push(nodeId));
  try {
    for (const nodeId of followed.keys()) queue.push(nodeId);
    for await (const nodeId of queue) {
      const one = nodeId === 'quiet' ? undefined : followed.get(nodeId);
      const news = nodeId === 'quiet' || one === undefined ? undefined : newsOf(parts, command, nodeId, one);
      if (news !== undefined) yield news;
      if (news !== undefined) quiet.heard();
      if (nodeId !== 'quiet' && !isOver(command, [...followed.values()], wait)) continue;
      yield toEnd(command, [...followed.values()]);
      return;
    }
  } finally {
    stop();
    quiet.stop();
  }
}

function whomOf(parts: NodeParts, { target }: UpdateCommand): Map<NodeId, Followed> {
  const facts = new Map(parts.deployment.nodes.nodes().map((node) => [node.facts.node_id, node.facts]));
  const members = listNodes(parts).filter(({ state }) => state !== 'revoked');
  const meant = members.filter((member) => {
    const known = facts.get(member.node_id as NodeId);
    if (known !== undefined) return isTargeted(target, { ...known, role: member.role });
    return (
      target.node_ids.includes(member.node_id as NodeId) ||
      (target.roles.includes(member.role) && target.regions.length === 0)
    );
  });
  return new Map(
    meant.map(({ node_id, name, state }) => {
      const node = { node_id, node_name: name, online: state === 'online' };
      return [node_id as NodeId, { node, told: '', end: undefined }];
    }),
  );
}

/** What the node says of the order's model, where it is news. */
function newsOf(parts: NodeParts, command: UpdateCommand, nodeId: NodeId, one: Followed): OrderEvent | undefined {
  const status = parts.deployment.statuses.of(nodeId);
  const entries = (status?.models ?? []).filter(({ model_id }) => model_id === command.manifest.model_id);
  const entry = entries.find(({ because }) => because === `command:${command.command_id}`) ?? entries.find(isHeld);
  const end = command.action === 'remove' ? endOfRemoval(entries) : endOf(command, entry);
  const isNothing = entry === undefined && end === undefined;
  const reasons = entries.map(({ because }) => because);
  const overruler = isNothing ? overrulerOf(parts, command, nodeId, reasons) : undefined;
  if (overruler !== undefined) return newsOfOverruled(parts, command, one, overruler);
  const told = JSON.stringify([end, entry?.status, entry?.error, entry?.download_progress, entry?.version]);
  one.end = end;
  if (told === one.told || isNothing) return undefined;
  one.told = told;
  const row = entry === undefined ? {} : { status: toDeploymentRow(parts, { nodeId }, withReason(entry, end)) };
  return { event: 'status', ...factsOf(command), node: one.node, ...row };
}

/** Another's later order counts there: nothing more will be heard of this one. */
function newsOfOverruled(parts: NodeParts, command: UpdateCommand, one: Followed, by: SignedRecord): OrderEvent {
  one.end = 'failed';
  const name = nameOf(parts, by.author);
  const { manifest, action } = parseUpdateCommand(by.payload);
  const error = `overruled by a later order of ${name}: to ${action} ${manifest.version}`;
  const { model_id, version, sha256 } = command.manifest;
  const updated_at = new Date(by.issued_at).toISOString();
  const entry = { model_id, version, sha256, status: 'Failed', download_progress: 0, error, updated_at } as const;
  const status = toDeploymentRow(parts, { nodeId: one.node.node_id as NodeId }, { ...entry, error_code: 'overruled' });
  return { event: 'status', ...factsOf(command), node: one.node, status };
}

/** Its own status has nothing against what is pinned; the order has. */
function withReason(entry: ModelStatusEntry, end: Followed['end']): ModelStatusEntry {
  if (end !== 'failed' || entry.error !== undefined || !isHeld(entry)) return entry;
  return { ...entry, error: `pinned there to ${entry.version}, which is stronger than an order` };
}

/** Its owner holds another version fast. */
function isHeld({ because }: ModelStatusEntry): boolean {
  return because === 'pin';
}

function endOf({ manifest }: UpdateCommand, entry: ModelStatusEntry | undefined): Followed['end'] {
  if (entry === undefined) return undefined;
  if (entry.status === 'Failed') return 'failed';
  if (!isInForce(entry)) return undefined;
  return entry.version === manifest.version && entry.sha256 === manifest.sha256 ? 'done' : 'failed';
}

function endOfRemoval(entries: readonly ModelStatusEntry[]): Followed['end'] {
  if (entries.length === 0) return 'done';
  return entries.some((entry) => isHeld(entry) || entry.error_code === 'remove_failed') ? 'failed' : undefined;
}

function isOver({ replicas = 0, action }: UpdateCommand, all: readonly Followed[], wait: boolean): boolean {
  const counted = all.filter(({ node, end }) => wait || node.online || end !== undefined);
  const ended = counted.filter(({ end }) => end !== undefined).length;
  const needed = action === 'deploy' && replicas > 0 ? Math.min(replicas, counted.length) : counted.length;
  return ended >= needed;
}

function toEnd(command: UpdateCommand, all: readonly Followed[]): OrderEvent {
  const count = (end: Followed['end']) => all.filter((one) => one.end === end).length;
  const [done, failures] = [count('done'), count('failed')];
  const { replicas = 0 } = command;
  const waiting =
    command.action === 'deploy' && replicas > 0
      ? Math.max(0, Math.min(replicas, all.length) - done - failures)
      : count(undefined);
  const silent = all.filter(({ node, end }) => end === undefined && node.online).length;
  const counts = { done, failures, waiting };
  if (failures === 0 && (silent === 0 || (replicas > 0 && waiting === 0)))
    return { event: 'completed', ...factsOf(command), ...counts };
  const why =
    failures > 0 ? `${failures} of ${all.length} nodes failed` : `${silent} of ${all.length} nodes did not answer`;
  const error = `${command.action === 'remove' ? 'Removing' : 'Deploying'} ${command.manifest.model_id}: ${why}`;
  return { event: 'failed', ...factsOf(command), ...counts, error, code: 'deployment_failed', kind: 'refused' };
}

function factsOf({ command_id, action, manifest: { model_id, version } }: UpdateCommand) {
  return { command_id, action, model_id, version };
}

function quietAfter({ clock }: NodeParts, act: () => void) {
  const begin = () => clock.after(NODE_LIMITS.orderQuietMs, act);
  let stop = begin();
  return {
    heard(): void {
      stop();
      stop = begin();
    },
    stop: () => stop(),
  };
}
