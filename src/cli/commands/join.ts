import type { CommandSpec } from '../command.ts';
import { CLI_LIMITS } from '../limits.ts';

export const join: CommandSpec = {
  usage: 'join <code>',
  about: 'Join a mesh by its invite code; - reads it from stdin',
  examples: [
    'atmosphere join atm1-…',
    'atmosphere up --detach && atmosphere join atm1-…',
    'printenv CODE | atmosphere join -   # the code stands in no process list',
  ],
  async run(context, { args: [given = ''] }) {
    const code = given === '-' ? await context.io.readLine() : given;
    const answer = await context.call('meshJoin', { body: { code: code.trim() } }, CLI_LIMITS.joinTimeoutMs);
    context.out.answer(answer, () => [
      `joined ${answer.name} as ${answer.role}, invited by ${answer.inviter}`,
      `  ${answer.mesh_id}`,
    ]);
    context.out.note('next: atmosphere model list --mesh');
    return 0;
  },
};
