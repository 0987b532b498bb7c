import type { CommandSpec } from '../command.ts';
import { formatCount, formatDigest } from '../format.ts';

export const modelVerify: CommandSpec = {
  usage: 'verify <name>',
  about: 'Read a model’s files again and compare them with its digest',
  examples: ['atmosphere model verify org/llama3'],
  endsWithEvent: true,
  async run(context, { args: [name = ''] }) {
    const [{ followWork }, { parseModelRef }, { EXIT_CODES }] = await Promise.all([
      import('../follow-work.ts'),
      import('../model-ref.ts'),
      import('../../api/index.ts'),
    ]);
    const client = await context.connect();
    const events = client.stream('modelVerify', { body: parseModelRef(name) }, context.signal);
    const { models, problems } = await followWork(context, events, {
      label: 'reading',
      echo: true,
      onModel: (row) =>
        context.out.line(`${row.state}  ${row.model_id}@${row.version}  sha256 ${formatDigest(row.sha256)}`),
    });
    const isGood = problems === 0 && models.every(({ state }) => state === 'ready');
    if (isGood && models.length === 0) context.out.line(`verified  ${name}`);
    if (!isGood) context.out.warn(`not what it should be: ${formatCount(problems, 'problem')}`);
    return isGood ? 0 : EXIT_CODES.integrity;
  },
};
