import type { CommandSpec } from '../command.ts';

export const meshRevoke: CommandSpec<{ reason?: string }> = {
  usage: 'revoke <node>',
  about: 'Take a node’s membership away, by name or node id',
  examples: ['atmosphere mesh revoke old-laptop --reason stolen'],
  options: [{ flags: '--reason <text>', about: 'why, for the others to read' }],
  async run(context, { args: [node = ''], options }) {
    const answer = await context.call('meshRevoke', { body: { node, reason: options.reason } });
    context.out.answer(answer, () => [`revoked ${answer.name}  ${answer.node_id}`]);
    return 0;
  },
};
