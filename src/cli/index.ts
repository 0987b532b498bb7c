/** The command line: `run` takes arguments and says the exit code; each command is a file under commands/. */
export type { AnyCommand } from './command.ts';
export { COMMANDS } from './commands/index.ts';
