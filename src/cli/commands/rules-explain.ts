import type { CommandSpec } from '../command.ts';
import { EXPLAIN_LEGEND, explainLines } from '../explain-lines.ts';

export const rulesExplain: CommandSpec<{ model?: string }> = {
  usage: 'explain [node]',
  about: 'Why a node will have what: the order, rule or role that wins, and everything that lost (default: this node)',
  examples: ['atmosphere rules explain', 'atmosphere rules explain edge-5 --model network-anomaly-detector'],
  options: [{ flags: '--model <name>', about: 'this model alone' }],
  async run(context, { args: [node], options: { model } }) {
    const query = { ...(node === undefined ? {} : { node }), ...(model === undefined ? {} : { model }) };
    const answer = await context.call('rulesExplain', { query });
    context.out.answer(answer, () => explainLines(answer, model));
    if (answer.models.length > 0) context.out.note(EXPLAIN_LEGEND);
    return 0;
  },
};
