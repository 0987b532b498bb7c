/** `model deploy`: a plain order, a staged rollout, or the rules of a file. Spec: docs/spec/11-cli.md §5, 19-rollout.md. */
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
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
  if (options.rule !== undefined) return applyRuleFile(context, name, options.rule);
  if (name === undefined) throw new CliError('bad_usage', 'Deploying: wanted the name of a model, or --rule FILE');
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

/** As `model push`. */
async function pushPlainly(context: Context, name: string, options: DeployOptions): Promise<number> {
  const { pushModel } = await import('./push-model.ts');
  const { all, role, region, label, priority, probe = true } = options;
  const said = { all, role, region, label, priority };
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return pushModel(context, name, [], { ...given, load: probe });
}

/** The whole file becomes the mesh's rules; a name says which model is meant by it, and must be in it. */
async function applyRuleFile(context: Context, name: string | undefined, file: string): Promise<number> {
  const { applyRules, readRulesFile } = await import('./rules-file.ts');
  if (name !== undefined) {
    const text = await readRulesFile(context, file);
    const { id } = parseModelRef(name);
    if (!text.includes(id) && !text.includes('*'))
      throw new CliError('bad_usage', `Deploying ${id} by ${file}: no rule in it names that model`);
  }
  return applyRules(context, file);
}
