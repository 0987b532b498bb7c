/**
 * `model push` and `model undeploy`: gives the order, then follows what the nodes tell until all have answered. The order is the
 * mesh's; an interrupt ends the following and nothing else. Spec: docs/spec/11-cli.md §6.
 */
import type { DeploymentRow, OrderEvent } from '../api/index.ts';
import type { Context } from './context.ts';
import { describeFailure, failureOfEvent, reportFailure, toFailedEvent } from './failure.ts';
import { parseModelRef } from './model-ref.ts';
import { type TargetOptions, toTarget } from './order-flags.ts';
import type { Column } from './table.ts';

export interface OrderOptions extends TargetOptions {
  readonly wait?: boolean;
  readonly detach?: boolean;
}

export interface PushOptions extends OrderOptions {
  readonly priority?: number;
  readonly load?: boolean;
  readonly replicas?: number;
}

export function pushModel(
  context: Context,
  name: string,
  nodes: readonly string[],
  options: PushOptions,
): Promise<number> {
  const { priority, load = true, replicas, wait = false } = options;
  return order(context, options, async () => {
    const said = { ...(priority === undefined ? {} : { priority }), ...(replicas === undefined ? {} : { replicas }) };
    const body = { ...parseModelRef(name), target: toTarget(options, nodes), load, wait, ...said };
    return (await context.connect()).stream('modelPush', { body }, context.signal);
  });
}

export function undeployModel(
  context: Context,
  name: string,
  nodes: readonly string[],
  options: OrderOptions,
): Promise<number> {
  return order(context, options, async () => {
    const { id } = parseModelRef(name);
    const body = { id, target: toTarget(options, nodes), wait: options.wait ?? false };
    return (await context.connect()).stream('modelUndeploy', { body }, context.signal);
  });
}

type Nodes = Map<
  string,
  { readonly name: string; readonly online: boolean; row: DeploymentRow | 'removed' | undefined; said?: string }
>;

async function order(
  context: Context,
  options: OrderOptions,
  begin: () => Promise<AsyncIterable<OrderEvent>>,
): Promise<number> {
  const nodes: Nodes = new Map();
  let isOrdered = false;
  try {
    for await (const event of await begin()) {
      isOrdered = true;
      note(nodes, event);
      if (context.json) context.out.event(event);
      else tell(context, event, nodes);
      if (event.event === 'failed') throw failureOfEvent(event);
      if (event.event === 'completed' || options.detach === true) return end(context, event, nodes);
    }
    throw failureOfEvent({ code: 'daemon_unreachable', kind: 'unreachable', error: 'The daemon broke off its answer' });
  } catch (thrown) {
    const status = context.subject === undefined ? '' : ` ${parseModelRef(context.subject).id}`;
    const failure = describeFailure(thrown, context, isOrdered ? `atmosphere model status${status}` : undefined);
    if (!context.json) showTable(context, nodes);
    else if (failure.code !== 'deployment_failed') context.out.event(toFailedEvent(failure));
    if (context.signal.aborted && isOrdered) context.out.note('the order stays; nodes go on with it');
    reportFailure(context, failure);
    return failure.exitCode;
  }
}

function note(nodes: Nodes, event: OrderEvent): void {
  for (const { node_id, node_name: name, online } of event.nodes ?? [])
    nodes.set(node_id, { name, online, row: undefined });
  const known = nodes.get(event.node?.node_id ?? '');
  if (known !== undefined) known.row = event.status ?? 'removed';
}

/** A line a node and change; bytes under way are a bar. */
function tell({ out }: Context, event: OrderEvent, nodes: Nodes): void {
  const { node, status, action } = event;
  if (event.event === 'ordered') {
    const count = event.nodes?.length ?? 0;
    const verb = action === 'remove' ? 'removing' : 'deploying';
    const what = action === 'remove' ? event.model_id : `${event.model_id}@${event.version}`;
    out.note(`${verb} ${what} ${action === 'remove' ? 'from' : 'to'} ${count} ${count === 1 ? 'node' : 'nodes'}`);
  }
  if (event.event !== 'status' || node === undefined) return;
  const line = `${node.node_name}: ${status === undefined ? 'removed' : describe(status)}`;
  const known = nodes.get(node.node_id);
  if (known?.said !== line) out.line(line);
  if (known !== undefined) known.said = line;
}

function describe({ status, version, download_progress: share, error }: DeploymentRow): string {
  if (status === 'Downloading') return `${status} ${Math.round(share * 100)}%`;
  return error === null ? `${status} ${version}` : `${status} ${version}: ${error}`;
}

function end(context: Context, event: OrderEvent, nodes: Nodes): number {
  if (context.json) return 0;
  if (event.event !== 'completed') {
    context.out.line(`ordered, command ${event.command_id}`);
    context.out.note('to see how it goes: atmosphere model status');
    return 0;
  }
  showTable(context, nodes);
  const { done = 0, waiting = 0 } = event;
  const away = [...nodes.values()].filter(({ online, row }) => !online && row === undefined).length;
  context.out.line(`${done} of ${done + waiting} ${done + waiting === 1 ? 'node' : 'nodes'} done`);
  if (away > 0) context.out.note(`${away} ${away === 1 ? 'is' : 'are'} away, and will catch up at return`);
  return 0;
}

const COLUMNS: readonly Column[] = [
  { title: 'NODE', shrinks: true },
  { title: 'STATUS' },
  { title: 'VERSION' },
  { title: 'ERROR', shrinks: true },
];

function showTable({ out }: Context, nodes: Nodes): void {
  out.progress.end();
  if (nodes.size === 0) return;
  const rows = [...nodes.values()].map(({ name, online, row }) => {
    if (row === 'removed') return [name, 'removed', '-', ''];
    if (row === undefined) return [name, online ? '-' : 'away', '-', ''];
    return [name, row.status, row.version, row.error ?? ''];
  });
  for (const line of out.table(COLUMNS, rows)) out.line(line);
}
