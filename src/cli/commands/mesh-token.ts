import type { CommandSpec } from '../command.ts';
import { parseDurationWithin } from '../parse-values.ts';

export const meshToken: CommandSpec<{ audience?: string; ttl?: number }> = {
  usage: 'token',
  about: 'A short-lived token with which a tool on another host may read models over HTTP',
  examples: [
    'atmosphere mesh token --ttl 15m',
    'curl -H "Authorization: Bearer $(atmosphere mesh token -q)" http://HOST:14345/v1/models',
  ],
  options: [
    { flags: '--audience <text>', about: 'for whom it is good (default: this node)' },
    {
      flags: '--ttl <time>',
      about: 'how long it is good for, at most 24h (default: 1h)',
      parse: parseDurationWithin(10, 86_400, 'a time from 10s to 24h'),
    },
  ],
  async run(context, { options }) {
    const answer = await context.call('meshToken', { body: { audience: options.audience, ttl_s: options.ttl } });
    context.out.answer(answer, () => [answer.token]);
    context.out.note(`good for ${answer.audience} until ${answer.expires_at}`);
    return 0;
  },
};
