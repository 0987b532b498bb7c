import { noteAuthor, toAccessLines } from '../access-table.ts';
import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';
import { parseRoles } from '../parse-roles.ts';
import { warnOfUnknownRoles } from '../unknown-roles.ts';

interface SetOptions {
  readonly read?: string[];
  readonly write?: string[];
  readonly deploy?: string[];
  readonly shipCode?: string[];
}

export const accessSet: CommandSpec<SetOptions> = {
  usage: 'set <name>',
  about:
    'Say which roles have a right; on an admin’s node, for the whole mesh; * as the model is all without their own',
  examples: [
    'atmosphere access set acme/secret --read admin,gateway',
    'atmosphere access set acme/secret --deploy none',
    "atmosphere access set '*' --write publisher",
    'atmosphere access set acme/pickle --ship-code publisher',
  ],
  options: [
    { flags: '--read <roles>', about: 'may fetch its bytes: a,b, or * for all, or none', parse: parseRoles },
    { flags: '--write <roles>', about: 'may sign its manifest', parse: parseRoles },
    { flags: '--deploy <roles>', about: 'may order where it should be', parse: parseRoles },
    { flags: '--ship-code <roles>', about: 'may sign it in a format that runs code when loaded', parse: parseRoles },
  ],
  async run(context, { args: [model = ''], options: { read, write, deploy, shipCode: ship_code } }) {
    if ([read, write, deploy, ship_code].every((roles) => roles === undefined))
      throw new CliError('bad_usage', 'Wanted at least one of --read, --write, --deploy, --ship-code');
    const answer = await context.call('accessSet', { body: { model, read, write, deploy, ship_code } });
    context.out.answer(answer, () => toAccessLines(context, answer));
    noteAuthor(context, answer);
    await warnOfUnknownRoles(
      context,
      [read, write, deploy, ship_code].flatMap((roles) => roles ?? []),
    );
    return 0;
  },
};
