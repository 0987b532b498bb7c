import { hostname } from 'node:os';
import type { CommandSpec } from '../command.ts';

export const meshInit: CommandSpec<{ name?: string; replace?: boolean }> = {
  usage: 'init',
  about: 'Make a new mesh with this node as its authority',
  examples: ['atmosphere mesh init --name factory-7'],
  options: [
    { flags: '--name <name>', about: 'name of the mesh (default: the host name)' },
    { flags: '--replace', about: 'even when that takes this node out of a mesh with others' },
  ],
  async run(context, { options }) {
    const { name = hostname(), replace } = options;
    const answer = await context.call('meshInit', { body: { name, replace } });
    context.out.answer(answer, () => [`mesh ${answer.name}  ${answer.mesh_id}`]);
    context.out.note('next: atmosphere mesh invite');
    return 0;
  },
};
