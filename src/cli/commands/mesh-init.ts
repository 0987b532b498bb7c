import { hostname } from 'node:os';
import type { CommandSpec } from '../command.ts';

export const meshInit: CommandSpec<{ name?: string }> = {
  usage: 'init',
  about: 'Make a new mesh with this node as its authority',
  examples: ['atmosphere mesh init --name factory-7'],
  options: [{ flags: '--name <name>', about: 'name of the mesh (default: the host name)' }],
  async run(context, { options }) {
    const answer = await context.call('meshInit', { body: { name: options.name ?? hostname() } });
    context.out.answer(answer, () => [`mesh ${answer.name}  ${answer.mesh_id}`]);
    context.out.note('next: atmosphere mesh invite');
    return 0;
  },
};
