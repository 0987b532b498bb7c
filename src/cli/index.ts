/** The command line: `run` takes arguments and says the exit code; each command is a file under commands/. */
export type { AnyCommand, CommandSpec, GroupSpec } from './command.ts';
export { COMMANDS } from './commands/index.ts';
export { CLI_ERRORS, CliError } from './errors.ts';
export type { Io, Terminal } from './io.ts';
export { CLI_LIMIT_TABLE, CLI_LIMITS } from './limits.ts';
export { run } from './run.ts';
