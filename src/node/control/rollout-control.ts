/** Staged rollouts: order, list, show, follow, change. Spec: docs/spec/19-rollout.md. */
import type { ControlHandlers, RolloutRow } from '../../api/index.ts';
import { isOver } from '../../deploy/index.ts';
import { mayAuthor, mayDeploy } from '../../trust/index.ts';
import type { Rollouts } from '../deployment/open-rollouts.ts';
import type { ManifestsView } from '../deployment/ports.ts';
import type { KnownRollout } from '../deployment/rollout-book.ts';
import { toRolloutRow } from '../deployment/rollout-view.ts';
import { NodeError } from '../errors.ts';
import { currentManifests } from './current-model.ts';
import { eventQueue } from './event-queue.ts';
import { namesOf } from './known-names.ts';
import { namedManifest } from './named-manifest.ts';
import { nearestNames } from './nearest-names.ts';
import { resolveTarget } from './order-target.ts';
import type { NodeParts } from './parts.ts';

type RolloutControl = Pick<
  ControlHandlers,
  'rolloutOrder' | 'rollouts' | 'rollout' | 'rolloutEvents' | 'rolloutChange'
>;

export interface RolloutControlParts extends NodeParts {
  readonly rollouts: Rollouts;
}

export function rolloutControl(parts: RolloutControlParts, manifests: ManifestsView): RolloutControl {
  const { rollouts } = parts;
  return {
    async rolloutOrder({ body: { id, range, target, ...wishes } }) {
      const known = currentManifests(
        parts,
        manifests.known().map(({ manifest }) => manifest),
        range,
      );
      const manifest = namedManifest(known, id, range);
      verifyMayDeploy(parts, manifest.model_id);
      return toRow(parts, rollouts.desk.order({ ...wishes, manifest, target: resolveTarget(parts, target) }));
    },
    async rollouts() {
      const rows = rollouts.book.list().map((known) => toRow(parts, known));
      return { rollouts: rows.map(({ nodes: _nodes, ...row }) => row) };
    },
    rollout: async ({ query }) => toRow(parts, findRollout(parts, query.id)),
    rolloutEvents: ({ query }, signal) => follow(parts, findRollout(parts, query.id), signal),
    async rolloutChange({ body }) {
      const known = findRollout(parts, body.id);
      verifyMayDeploy(parts, known.rollout.spec.manifest.model_id);
      const { rollout_id: order } = known.rollout.spec;
      parts.audit.insist('order', { what: `rollout ${body.change}`, order });
      rollouts.coordinator.change(known, body.change, `${body.change} by ${parts.name}`);
      return toRow(parts, findRollout(parts, order));
    },
  };
}

/** Throws NodeError `not_permitted`: whoever may not deploy would only make a record that nobody heeds. */
function verifyMayDeploy({ mesh, access }: NodeParts, modelId: string): void {
  const { role } = mesh;
  if (mayAuthor(role, 'rollout') && mayDeploy(access.current, modelId, role)) return;
  throw new NodeError('not_permitted', `Rolling out ${modelId}: this node is ${role}, which may not deploy it`, {
    data: { role, model_id: modelId },
  });
}

/** By its id, or the beginning of it. Throws NodeError `rollout_not_found`. */
function findRollout({ rollouts }: RolloutControlParts, id: string): KnownRollout {
  const all = rollouts.book.list();
  const fitting = all.filter(({ rollout }) => rollout.spec.rollout_id.startsWith(id.toLowerCase()));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const ids = all.map(({ rollout }) => rollout.spec.rollout_id.slice(0, 8));
  const detail =
    fitting.length > 1 ? `${fitting.length} begin with it` : `none has that id; ${nearestNames(id.slice(0, 8), ids)}`;
  throw new NodeError('rollout_not_found', `Looking for rollout ${id}: ${detail}`, { data: { id } });
}

function toRow(parts: RolloutControlParts, known: KnownRollout): RolloutRow {
  const { fleet } = parts.rollouts;
  const { spec } = known.rollout;
  return toRolloutRow(known, {
    nameOf: namesOf(parts),
    statuses: fleet.statusesOf(spec.manifest.model_id),
    fleet: fleet.nodesOf(spec).length,
    nowMs: parts.clock.nowMs(),
  });
}

/** Now, at each change, and the end. */
async function* follow(
  parts: RolloutControlParts,
  first: KnownRollout,
  signal: AbortSignal,
): AsyncGenerator<RolloutRow> {
  const { book } = parts.rollouts;
  const { rollout_id: id } = first.rollout.spec;
  const queue = eventQueue<string>(signal);
  const stop = book.changes.on((changed) => {
    if (changed === id) queue.push(id);
  });
  try {
    let known: KnownRollout | undefined = book.get(id) ?? first;
    let said = '';
    queue.push(id);
    for await (const _change of queue) {
      known = book.get(id);
      if (known === undefined) return;
      const text = JSON.stringify([known.rollout.state, known.flaw]);
      if (text !== said) yield toRow(parts, known);
      said = text;
      if (isOver(known.rollout.state.phase)) return;
    }
  } finally {
    stop();
  }
}
