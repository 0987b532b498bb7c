/** `model deploy`: a plain order, a staged rollout, or the rules of a file. Spec: docs/spec/11-cli.md §5, 19-rollout.md. */
import type { DeploymentRow } from '../api/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { failureOfEvent } from './failure.ts';
import { parseModelRef } from './model-ref.ts';
import { type TargetOptions, toTarget } from './order-flags.ts';
import { rolloutLines, shortId } from './rollout-lines.ts';
import { watchRollout } from './watch-rollout.ts';

interface StagedOptions {
  readonly waves?: string[];
  readonly maxFailures?: number;
  /** Seconds. */
  readonly soak?: number;
  readonly nodeTimeout?: number;
  readonly probe?: boolean;
}

export interface DeployOptions extends TargetOptions, StagedOptions {
  readonly strategy?: 'all' | 'canary';
  readonly priority?: number;
  readonly rule?: string;
  readonly watch?: boolean;
}

const CANARY = { waves: ['1', '10%', '50%', '100%'], maxFailures: 0.05, soak: 600, nodeTimeout: 600, probe: true };

export async function deployModel(context: Context, name: string | undefined, options: DeployOptions): Promise<number> {
  if (name === undefined) throw new CliError('bad_usage', 'Deploying: wanted the name of a model');
  const { waves, maxFailures, soak, nodeTimeout, strategy } = options;
  const isStaged = (waves ?? maxFailures ?? soak ?? nodeTimeout) !== undefined;
  if (strategy === 'all' && isStaged)
    throw new CliError(
      'bad_usage',
      'Deploying: --waves, --max-failures, --soak and --node-timeout are for --strategy canary',
    );
  return strategy === 'canary' || isStaged ? rollOut(context, name, options) : pushPlainly(context, name, options);
}

async function rollOut(context: Context, name: string, options: DeployOptions): Promise<number> {
  const { waves, maxFailures, soak, nodeTimeout, probe } = { ...CANARY, ...saidOf(options) };
  const row = await context.call('rolloutOrder', {
    body: {
      ...parseModelRef(name),
      target: toTarget(options),
      waves,
      max_failures: maxFailures,
      soak_ms: soak * 1000,
      node_timeout_ms: nodeTimeout * 1000,
      probe,
      ...(options.priority === undefined ? {} : { priority: options.priority }),
    },
  });
  if (options.watch === true) return watchRollout(context, row.rollout_id);
  context.out.answer(row, () => rolloutLines(row));
  context.out.note(`to follow it: atmosphere rollout show ${shortId(row)} --watch`);
  return 0;
}

function saidOf({ waves, maxFailures, soak, nodeTimeout, probe }: StagedOptions): StagedOptions {
  const said = Object.entries({ waves, maxFailures, soak, nodeTimeout, probe });
  return Object.fromEntries(said.filter(([, value]) => value !== undefined));
}

/** Until all that are online have answered. Throws RemoteError when one of them failed. */
async function pushPlainly(context: Context, name: string, options: DeployOptions): Promise<number> {
  const client = await context.connect();
  const body = {
    ...parseModelRef(name),
    target: toTarget(options),
    load: options.probe !== false,
    ...(options.priority === undefined ? {} : { priority: options.priority }),
  };
  for await (const event of client.stream('modelPush', { body }, context.signal)) {
    if (event.event === 'failed') throw failureOfEvent(event);
    if (context.json) context.out.event(event);
    else if (event.status !== undefined) context.out.line(describeStatus(event.status));
    if (event.event === 'completed') return 0;
  }
  throw failureOfEvent({ code: 'daemon_unreachable', kind: 'unreachable', error: 'The daemon broke off its answer' });
}

function describeStatus({ node_name, model_id, version, status, error }: DeploymentRow): string {
  return `${node_name}: ${model_id}@${version} ${status}${error === null ? '' : `: ${error}`}`;
}
