import type { CommandSpec } from '../command.ts';
import { parseCount } from '../parse-values.ts';
import type { AuditOptions } from '../show-audit.ts';

export const audit: CommandSpec<AuditOptions> = {
  usage: 'audit',
  about: 'What was done on this node, by whom, with which bytes; and whether the log of it is whole',
  examples: [
    'atmosphere audit',
    'atmosphere audit --verify',
    'atmosphere audit --event refusal --since 24h',
    'atmosphere audit --limit 10000 --json',
  ],
  options: [
    { flags: '--verify', about: 'read all of it and check every digest, and that its end is there' },
    { flags: '--since <time>', about: 'from a time on: 2027-01-01T00:00:00Z, or 24h ago' },
    {
      flags: '--event <event>',
      about: 'transfer, install, activate, rollback, remove, refusal, consent, order, policy, …',
    },
    { flags: '--limit <count>', about: 'at most so many, the last ones (default: 100)', parse: parseCount },
  ],
  async run(context, { options }) {
    const { showAudit, verifyAudit } = await import('../show-audit.ts');
    return options.verify === true ? await verifyAudit(context) : await showAudit(context, options);
  },
};
