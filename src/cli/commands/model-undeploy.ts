import type { CommandSpec } from '../command.ts';
import { TARGET_FLAGS } from '../order-flags.ts';
import type { OrderOptions } from '../push-model.ts';

export const modelUndeploy: CommandSpec<OrderOptions> = {
  usage: 'undeploy <name> [nodes...]',
  about: 'Order a model away from nodes, whichever version they have; what they fetched for it is deleted',
  examples: ['atmosphere model undeploy acme/detector gateway-1', 'atmosphere model undeploy acme/detector --all'],
  endsWithEvent: true,
  options: [
    ...TARGET_FLAGS,
    { flags: '--wait', about: 'for nodes that are away too' },
    { flags: '-d, --detach', about: 'leave it to the nodes once it is ordered' },
  ],
  async run(context, { args: [name = '', ...nodes], options }) {
    return (await import('../push-model.ts')).undeployModel(context, name, nodes, options);
  },
};
