import type { CommandSpec } from '../command.ts';

export const rolloutShow: CommandSpec<{ watch?: boolean }> = {
  usage: 'show <id>',
  about: 'One rollout: its waves, and the nodes that it reached; a short id is enough',
  endsWithEvent: true,
  examples: ['atmosphere rollout show 1f6c9a2b', 'atmosphere rollout show 1f6c9a2b --watch'],
  options: [{ flags: '-w, --watch', about: 'follow it to the end' }],
  async run(context, { args: [id = ''], options }) {
    if (options.watch === true) return (await import('../watch-rollout.ts')).watchRollout(context, id);
    const { NODE_COLUMNS, rolloutLines, toNodeCells } = await import('../rollout-lines.ts');
    const row = await context.call('rollout', { query: { id } });
    const nodes = () =>
      row.nodes.length === 0 ? [] : ['', ...context.out.table(NODE_COLUMNS, row.nodes.map(toNodeCells))];
    context.out.answer(row, () => [...rolloutLines(row), ...nodes()]);
    return 0;
  },
};
