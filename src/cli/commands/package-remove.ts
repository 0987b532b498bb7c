import type { CommandSpec } from '../command.ts';
import { formatCount } from '../format.ts';

export const packageRemove: CommandSpec<{ waiting?: boolean }> = {
  usage: 'remove <name>',
  about: 'Remove a package and the version before it, or discard parts that wait; your configuration stays',
  examples: [
    'atmosphere package remove production-inspection',
    'atmosphere package remove production-inspection-v1.3.atmo --waiting',
  ],
  options: [{ flags: '--waiting', about: 'the parts of that name that wait for others, never a package' }],
  async run(context, { args: [name = ''], options: { waiting = false } }) {
    const { out } = context;
    const answer = await context.call('packageRemove', { body: { id: name, waiting } });
    const { id, versions, parts, config } = answer;
    out.answer(answer, () => [
      versions.length > 0 ? `removed ${id} ${versions.join(', ')}` : `discarded ${formatCount(parts, 'part')} of ${id}`,
    ]);
    if (config !== null) out.note(`its configuration stays: ${config}`);
    return 0;
  },
};
