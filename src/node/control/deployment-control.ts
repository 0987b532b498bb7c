/** Orders of deployment and their progress, the fleet's status, pins. Spec: docs/spec/17-deployment.md §3, §6. */
import { randomUUID } from 'node:crypto';
import type { ControlHandlers, OrderEvent } from '../../api/index.ts';
import { type Deployed, inForceOf, priorityOf } from '../../deploy/index.ts';
import {
  entryToManifest,
  isCalled,
  type ModelManifest,
  parseUpdateCommand,
  shortManifest,
  type Target,
} from '../../protocol/index.ts';
import { verifyOrder } from '../../trust/index.ts';
import { NodeError } from '../errors.ts';
import { mergeModels, resolveModel } from '../model-view.ts';
import { resolveCurrent } from './current-model.ts';
import { listDeployments } from './deployment-rows.ts';
import { followOrder } from './follow-order.ts';
import { nearestNames } from './nearest-names.ts';
import { resolveTarget, type SaidTarget } from './order-target.ts';
import type { NodeParts } from './parts.ts';

type DeploymentControl = Pick<
  ControlHandlers,
  'modelPush' | 'modelUndeploy' | 'deployments' | 'deploymentMetrics' | 'modelPin' | 'modelUnpin'
>;

export function deploymentControl(parts: NodeParts): DeploymentControl {
  const { deployment } = parts;
  return {
    modelPush: ({ body }, signal) => push(parts, body, signal),
    modelUndeploy: ({ body }, signal) => undeploy(parts, body, signal),
    async deployments({ query }) {
      const modelId = query.id === undefined ? undefined : resolveDeployed(parts, query.id);
      return { deployments: await listDeployments(parts, modelId), deployment_metrics: deployment.metrics() };
    },
    async deploymentMetrics() {
      return { deployment_metrics: deployment.metrics() };
    },
    async modelPin({ body }) {
      const held = body.range === undefined ? inForceHere(parts, body.id) : undefined;
      const manifest = held ?? findManifest(parts, body.id, body.range);
      deployment.pin(manifest);
      const { model_id, version, sha256 } = manifest;
      return { model_id, version, sha256, pinned: true };
    },
    async modelUnpin({ body }) {
      const pinned = deployment.pins();
      const modelId = pinned.find((id) => isCalled(id, body.id));
      if (modelId !== undefined) return { model_id: modelId, was_pinned: deployment.unpin(modelId) };
      const near = pinned.length === 0 ? 'nothing is pinned' : nearestNames(body.id, pinned);
      throw new NodeError('not_pinned', `Unpinning ${body.id}: it is not pinned on this node; ${near}`);
    },
  };
}

interface PushBody {
  readonly id: string;
  readonly range?: string | undefined;
  readonly target: SaidTarget;
  readonly load: boolean;
  readonly wait: boolean;
  readonly priority?: number | undefined;
  readonly replicas?: number | undefined;
}

async function* push(parts: NodeParts, body: PushBody, signal: AbortSignal) {
  const manifest = manifestToDeploy(parts, body.id, body.range);
  const target = resolveTarget(parts, body.target);
  const command = toCommand(parts, 'deploy', { ...body, manifest, target });
  yield* order(parts, command, body.wait, signal);
}

async function* undeploy(
  parts: NodeParts,
  { id, wait, target }: Pick<PushBody, 'id' | 'wait' | 'target'>,
  signal: AbortSignal,
) {
  const manifest = removable(parts, id);
  const command = toCommand(parts, 'remove', { manifest, target: resolveTarget(parts, target), load: false });
  yield* order(parts, command, wait, signal);
}

async function* order(
  parts: NodeParts,
  command: ReturnType<typeof toCommand>,
  wait: boolean,
  signal: AbortSignal,
): AsyncGenerator<OrderEvent> {
  const { deployment, mesh, access, audit } = parts;
  const { manifest, action } = command;
  verifyOrder({ author: mesh.nodeId, action, manifest }, access.orderContext());
  const following = followOrder(parts, command, { wait, signal });
  const { model_id, version, sha256 } = manifest;
  audit.insist('order', { what: action, model_id, version, sha256, order: command.command_id, target: command.target });
  deployment.order(command);
  yield* following;
}

interface CommandFacts {
  readonly manifest: ModelManifest;
  readonly target: Target;
  readonly load: boolean;
  readonly priority?: number | undefined;
  readonly replicas?: number | undefined;
}

function toCommand({ clock }: NodeParts, action: 'deploy' | 'remove', facts: CommandFacts) {
  const { manifest, target, load, priority = priorityOf(manifest), replicas } = facts;
  return parseUpdateCommand({
    type: 'model_update',
    command_id: randomUUID(),
    action,
    manifest: shortManifest(manifest),
    target,
    priority,
    auto_load: load,
    ...(replicas === undefined ? {} : { replicas }),
    timestamp: new Date(clock.nowMs()).toISOString(),
  });
}

/** Throws NodeError `model_not_found`, `model_ambiguous`, `model_not_ready`. */
function findManifest(parts: NodeParts, id: string, range: string | undefined, isToBegin = false): ModelManifest {
  const models = mergeModels(parts.library.list(), parts.catalog.getAllModels());
  try {
    const { entry } = isToBegin ? resolveCurrent(parts, models, { id, range }) : resolveModel(models, id, range);
    if (entry === undefined) throw new NodeError('model_not_ready', `Deploying ${id}: it is here, and not yet read`);
    const { model_id, version, sha256 } = entry;
    return parts.manifests.lookUp(model_id, version, sha256) ?? entryToManifest(entry);
  } catch (thrown) {
    if (!(thrown instanceof NodeError) || thrown.code !== 'model_not_found') throw thrown;
    const ids = models.map(({ modelId }) => modelId as string);
    if (ids.includes(id)) throw thrown;
    throw new NodeError('model_not_found', `${thrown.message}; ${nearestNames(id, ids)}`, { data: thrown.data });
  }
}

/** As `findManifest`. Throws NodeError `manifest_withdrawn` too. */
function manifestToDeploy(parts: NodeParts, id: string, range: string | undefined): ModelManifest {
  const manifest = findManifest(parts, id, range, true);
  if (!manifest.withdrawn) return manifest;
  throw new NodeError('manifest_withdrawn', `Deploying ${id}@${manifest.version}: its manifest was withdrawn`);
}

/** Who holds a model without saying which version means the one that he has. */
function inForceHere({ deployment }: NodeParts, id: string): ModelManifest | undefined {
  const row = rowOf(deployment.rows(), id);
  return row === undefined ? undefined : inForceOf(row);
}

function rowOf(rows: readonly Deployed[], id: string): Deployed | undefined {
  return rows.find(({ modelId }) => isCalled(modelId, id));
}

/** What is to be taken away need not be anywhere any more. */
function removable(parts: NodeParts, id: string): ModelManifest {
  const row = rowOf(parts.deployment.rows(), id);
  if (row !== undefined) return row.manifest;
  const modelId = deployedIds(parts).find((known) => isCalled(known, id)) ?? id;
  return findManifest(parts, modelId, undefined);
}

function deployedIds({ deployment }: NodeParts): string[] {
  return [
    ...new Set(deployment.statuses.all().flatMap(({ models }) => models.map(({ model_id }) => model_id as string))),
  ];
}

function resolveDeployed(parts: NodeParts, id: string): string {
  const ids = deployedIds(parts);
  const found = ids.filter((known) => isCalled(known, id));
  const [modelId = id] = found;
  if (found.length > 0) return modelId;
  const known = mergeModels(parts.library.list(), parts.catalog.getAllModels());
  if (known.some(({ modelId: one }) => isCalled(one, id))) return id;
  const near = ids.length === 0 ? 'nothing is deployed' : nearestNames(id, ids);
  throw new NodeError('model_not_found', `Looking for deployments of ${id}: no node tells of any; ${near}`);
}
