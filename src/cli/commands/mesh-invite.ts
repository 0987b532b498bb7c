import type { CommandSpec } from '../command.ts';
import { formatCount } from '../format.ts';
import { parseCount, parseDurationWithin } from '../parse-values.ts';

interface InviteOptions {
  readonly role?: string;
  readonly expires?: number;
  readonly uses?: number;
}

export const meshInvite: CommandSpec<InviteOptions> = {
  usage: 'invite',
  about: 'Make an invite code for other machines',
  examples: [
    'atmosphere mesh invite',
    'atmosphere mesh invite --role member --expires 7d --uses 20',
    'atmosphere mesh invite --json | jq -r .code',
  ],
  options: [
    {
      flags: '--role <role>',
      about: 'admin, publisher, gateway, edge, member or a word of your own (default: member)',
    },
    {
      flags: '--expires <time>',
      about: 'how long it is good for, at most 30d (default: 24h)',
      parse: parseDurationWithin(60, 30 * 86_400, 'a time from 1m to 30d'),
    },
    { flags: '--uses <count>', about: 'how many machines may use it (default: 1)', parse: parseCount },
  ],
  async run(context, { options }) {
    const { role, expires, uses } = options;
    const answer = await context.call('meshInvite', { body: { role, expires_s: expires, uses } });
    context.out.answer(answer, () => [answer.code]);
    context.out.note(
      `good for ${formatCount(answer.uses, 'machine')} as ${answer.role}, until ${answer.expires_at}; ` +
        'there: atmosphere join CODE',
    );
    return 0;
  },
};
