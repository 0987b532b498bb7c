/** A flag as data, and the flags that every command has. */
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
