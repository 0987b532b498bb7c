/** The flags that say whom an order is for. Pure. */
import { CliError } from './errors.ts';
import type { OptionSpec } from './option.ts';

export interface TargetOptions {
  readonly all?: boolean;
  readonly node?: readonly string[];
  readonly role?: readonly string[];
  readonly region?: readonly string[];
  readonly label?: readonly string[];
}

export interface SaidTarget {
  readonly nodes: string[];
  readonly roles: string[];
  readonly regions: string[];
  readonly labels: Record<string, string>;
}

export const TARGET_FLAGS: readonly OptionSpec[] = [
  { flags: '--all', about: 'every node of the mesh' },
  { flags: '--role <role>', about: 'nodes of this role; may be repeated', repeats: true },
  { flags: '--region <region>', about: 'nodes of this region; may be repeated', repeats: true },
  { flags: '--label <key=value>', about: 'nodes with this label; all of several', repeats: true },
];

/** Throws CliError `bad_usage` for nobody at all, and for `--all` beside a choice. */
export function toTarget(options: TargetOptions, nodes: readonly string[] = []): SaidTarget {
  const { all = false, role = [], region = [], label = [] } = options;
  const named = [...nodes, ...(options.node ?? [])];
  const isChosen = named.length + role.length + region.length + label.length > 0;
  if (all && isChosen) throw new CliError('bad_usage', 'Ordering: --all is every node; leave the other choices out');
  if (!all && !isChosen)
    throw new CliError('bad_usage', 'Ordering: wanted whom it is for: a node, --role, --region, --label or --all');
  return { nodes: named, roles: [...role], regions: [...region], labels: toLabels(label) };
}

/** `shift=day` */
export function toLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new CliError('bad_usage', `Reading the label ${JSON.stringify(text)}: wanted KEY=VALUE`);
    }),
  );
}
