import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';

export const completion: CommandSpec = {
  usage: 'completion <shell>',
  about: 'A completion script for bash, zsh or fish',
  examples: [
    'source <(atmosphere completion bash)',
    'atmosphere completion zsh > "$fpath[1]/_atmosphere"',
    'atmosphere completion fish > ~/.config/fish/completions/atmosphere.fish',
  ],
  async run(context, { args: [shell = ''], commands }) {
    const { COMPLETION_SHELLS, makeCompletion } = await import('../completion-script.ts');
    const known = COMPLETION_SHELLS.find((name) => name === shell);
    if (known === undefined)
      throw new CliError(
        'bad_usage',
        `Making a completion script: got ${JSON.stringify(shell)}, wanted bash, zsh or fish`,
        {
          data: { try: 'atmosphere completion bash' },
        },
      );
    const script = makeCompletion(known, commands);
    context.out.answer({ shell: known, script }, () => [script]);
    return 0;
  },
};
