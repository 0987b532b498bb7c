import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';

interface DeprecateOptions {
  readonly undo?: boolean;
  readonly reason?: string;
}

export const modelDeprecate: CommandSpec<DeprecateOptions> = {
  usage: 'deprecate <name>',
  about: 'Tell the mesh that nobody should begin with a version any more: NAME@VERSION',
  examples: [
    'atmosphere model deprecate factory/detector@1.3.0 --reason "misses half of the night shift"',
    'atmosphere model deprecate factory/detector@1.3.0 --undo',
  ],
  options: [
    { flags: '--undo', about: 'take it back' },
    { flags: '--reason <text>', about: 'why, for those who look' },
  ],
  async run(context, { args: [name = ''], options }) {
    const { parseModelRef } = await import('../model-ref.ts');
    const { id, range: version } = parseModelRef(name);
    if (version === undefined || version.startsWith('sha256:') || version === 'latest')
      throw new CliError('bad_usage', `Deprecating ${name}: wanted a name and its very version, NAME@VERSION`, {
        data: { try: `atmosphere model info ${id} --versions` },
      });
    const deprecated = options.undo !== true;
    const body = { id, version, deprecated, ...(options.reason === undefined ? {} : { reason: options.reason }) };
    const answer = await context.call('modelDeprecate', { body });
    context.out.answer(answer, () => [
      deprecated
        ? `deprecated ${answer.model_id}@${answer.version}: taken only where it is named exactly`
        : `no longer deprecated: ${answer.model_id}@${answer.version}`,
    ]);
    if (!answer.known)
      context.out.warn(
        `no node that is known has ${answer.model_id}@${answer.version}; to see which there are: atmosphere model info ${answer.model_id} --versions`,
      );
    return 0;
  },
};
