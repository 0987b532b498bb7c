import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import { formatCount } from '../format.ts';

export const modelScan: CommandSpec<{ hash?: boolean }> = {
  usage: 'scan',
  about: 'Look through the known places for models again',
  examples: ['atmosphere model scan', 'atmosphere model scan --hash'],
  options: [{ flags: '--hash', about: 'read what is new to the end, too, instead of in the background' }],
  endsWithEvent: true,
  async run(context, { options }) {
    const { followWork } = await import('../follow-work.ts');
    const client = await context.connect();
    const events = client.stream('modelScan', { body: { hash: options.hash } }, context.signal);
    const { models, problems } = await followWork(context, events, {
      label: 'reading',
      echo: true,
      onModel: (row) =>
        context.out.line(`${row.model_id}@${row.version}  ${formatBytes(row.size_bytes)}  ${row.state}`),
    });
    context.out.note(`${formatCount(models.length, 'model')} reported, ${formatCount(problems, 'problem')}`);
    return 0;
  },
};
