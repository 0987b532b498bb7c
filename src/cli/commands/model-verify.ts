import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';
import { formatCount, formatDigest } from '../format.ts';

export const modelVerify: CommandSpec<{ bundle?: string; key?: string }> = {
  usage: 'verify <name>',
  about: 'Read a model’s files again and compare them with its digest, or with what a signature bundle says',
  examples: [
    'atmosphere model verify org/llama3',
    'atmosphere model verify org/llama3 --bundle model.sig',
    'atmosphere model verify org/llama3 --bundle model.sig --key publisher.pem',
  ],
  options: [
    { flags: '--bundle <file>', about: 'an OpenSSF model signing bundle, of a member or of the key given' },
    { flags: '--key <file>', about: 'the public key (PEM) of who signed the bundle' },
  ],
  endsWithEvent: true,
  async run(context, { args: [name = ''], options: { bundle, key } }) {
    if (bundle === undefined && key !== undefined) throw new CliError('bad_usage', 'Wanted --bundle with --key');
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
    if (!isGood) return EXIT_CODES.integrity;
    return bundle === undefined
      ? 0
      : await (await import('../model-bundles.ts')).verifyBundle(context, name, { bundle, key });
  },
};
