import type { CommandSpec } from '../command.ts';

export const meshLeave: CommandSpec = {
  usage: 'leave',
  about: 'Leave the mesh; this node is a mesh of one again, its models stay',
  examples: ['atmosphere mesh leave'],
  async run(context) {
    const answer = await context.call('meshLeave');
    context.out.answer(answer, () => [`left ${answer.left}; this node is now a mesh of its own, ${answer.mesh_id}`]);
    return 0;
  },
};
