/** What a command is: data that the parser, the help and the completion scripts are made from, and what it does. */
import type { Context } from './context.ts';
import type { OptionSpec } from './option.ts';

export interface CommandInput<Options> {
  readonly args: readonly string[];
  readonly options: Options;
  /** All there are, for the one that writes completion scripts. */
  readonly commands: readonly AnyCommand[];
}

export interface CommandSpec<Options = object> {
  /** `pull <name>`: the first word is the command's name. */
  readonly usage: string;
  readonly about: string;
  readonly examples: readonly string[];
  readonly options?: readonly OptionSpec[];
  /** With `--json` it prints events; an error is then the last of them, not a document. */
  readonly endsWithEvent?: boolean;
  /** Its exit code; 0 without one. */
  readonly run: (context: Context, input: CommandInput<Options>) => Promise<number | undefined>;
  readonly children?: readonly AnyCommand[];
}

export interface GroupSpec {
  readonly usage: string;
  readonly about: string;
  readonly examples: readonly string[];
  readonly children: readonly AnyCommand[];
}

// biome-ignore lint/suspicious/noExplicitAny: each command knows its own options; the parser made them from its data
export type AnyCommand = CommandSpec<any> | GroupSpec;
