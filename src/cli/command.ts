/** What a command is: data that the parser, the help and the completion scripts are made from, and what it does. */
import type { Context } from './context.ts';

export interface OptionSpec {
  /** As commander writes them: `--from <node>`, `--watch`, `--no-mdns`. */
  readonly flags: string;
  readonly about: string;
  /** Throws CliError `bad_usage`. */
  readonly parse?: (text: string) => unknown;
  /** May be given several times; the value is an array. */
  readonly repeats?: boolean;
  readonly choices?: readonly string[];
}

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

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--home <dir>', about: 'home directory (default: ATMOSPHERE_HOME, or ~/.atmosphere)' },
  { flags: '--json', about: 'machine-readable output on stdout' },
  { flags: '--no-color', about: 'no colour (also NO_COLOR)' },
  { flags: '-q, --quiet', about: 'no notes, no progress' },
];

export interface GlobalValues {
  readonly home?: string;
  readonly json?: boolean;
  readonly color?: boolean;
  readonly quiet?: boolean;
}
