import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';
import { TARGET_FLAGS } from '../order-flags.ts';
import { parseCount } from '../parse-values.ts';
import type { PushOptions } from '../push-model.ts';

export const modelPush: CommandSpec<PushOptions> = {
  usage: 'push <name> [nodes...]',
  about: 'Order a model onto nodes, and follow it: fetched, verified, probed, in force; NAME[@VERSION or RANGE]',
  examples: [
    'atmosphere model push acme/detector gateway-1 gateway-2',
    'atmosphere model push acme/detector@1.2.0 --role edge --priority 1',
    'atmosphere model push acme/detector --label line=3 --replicas 2',
    'atmosphere model push acme/detector --all --detach',
  ],
  endsWithEvent: true,
  options: [
    ...TARGET_FLAGS,
    { flags: '--priority <1-5>', about: '1 is first (default: as its manifest says)', parse: parsePriority },
    { flags: '--replicas <n>', about: 'on so many of these nodes; 0 is all', parse: parseReplicas },
    { flags: '--no-load', about: 'have it there and verified, without putting it in force' },
    { flags: '--wait', about: 'for nodes that are away too' },
    { flags: '-d, --detach', about: 'leave it to the nodes once it is ordered' },
  ],
  async run(context, { args: [name = '', ...nodes], options }) {
    return (await import('../push-model.ts')).pushModel(context, name, nodes, options);
  },
};

function parsePriority(text: string): number {
  if (/^[1-5]$/.test(text)) return Number(text);
  throw new CliError('bad_usage', 'Wanted a priority from 1, which is first, to 5');
}

function parseReplicas(text: string): number {
  return text === '0' ? 0 : parseCount(text);
}
