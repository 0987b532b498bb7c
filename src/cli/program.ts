/** The parser: commander, told what the command data says. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { AtmosphereError } from '../core/index.ts';
import type { AnyCommand, CommandSpec } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import type { Io } from './io.ts';
import { GLOBAL_OPTIONS, type GlobalValues, type OptionSpec } from './option.ts';

const GLOBAL_GROUP = 'Global options:';

export interface Invocation {
  readonly spec: CommandSpec;
  readonly args: readonly string[];
  readonly options: object;
  readonly globals: GlobalValues;
  /** The command line that shows its help. */
  readonly help: string;
}

/** What was wrong with the command line; `help` is the command whose help says more. */
export class UsageFault extends Error {
  readonly help: string;

  constructor(message: string, help: string) {
    super(message);
    this.name = 'UsageFault';
    this.help = help;
  }
}

/** The command to run, or undefined when help or version were all that was asked for. Throws UsageFault. */
export async function parseInvocation(
  argv: readonly string[],
  io: Io,
  version: string,
): Promise<Invocation | undefined> {
  let found: Invocation | undefined;
  const program = makeProgram(io, version, (invocation) => {
    found = invocation;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return undefined;
    throw thrown;
  }
  return found;
}

type OnInvocation = (invocation: Invocation) => void;

function makeProgram(io: Io, version: string, onInvocation: OnInvocation): Command {
  const program = new Command('atmosphere')
    .description('Gets machine-learning models to every machine that should run them, from the nearest peer, verified.')
    .enablePositionalOptions()
    .version(version, '-V, --version', 'the version of this program')
    .addHelpOption(new Option('-h, --help', 'help, also after any command').helpGroup(GLOBAL_GROUP))
    .helpCommand('help [command]', 'help for a command')
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  finish(program, ['atmosphere up --detach', 'atmosphere model list --mesh', 'atmosphere model pull llama3']);
  for (const spec of COMMANDS) addCommand(program, spec, onInvocation);
  return program;
}

function addCommand(parent: Command, spec: AnyCommand, onInvocation: OnInvocation): void {
  const command = parent.command(spec.usage).description(spec.about);
  if ('run' in spec) {
    for (const option of spec.options ?? []) command.addOption(toOption(option));
    command.action(() => {
      const globals = readGlobals(command);
      const help = helpOf(command);
      onInvocation({ spec, args: argumentsOf(command.processedArgs), options: command.opts(), globals, help });
    });
  }
  finish(command, spec.examples);
  for (const child of spec.children ?? []) addCommand(command, child, onInvocation);
}

/** Global flags may stand anywhere, so every command has them; the help shows them apart. */
function finish(command: Command, examples: readonly string[]): void {
  for (const option of GLOBAL_OPTIONS) command.addOption(toOption(option).helpGroup(GLOBAL_GROUP));
  command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`);
  command.exitOverride((error) => {
    if (error.exitCode === 0) throw error;
    throw new UsageFault(toSentence(error), helpOf(command));
  });
}

function toOption({ flags, about, parse, repeats, choices }: OptionSpec): Option {
  const option = new Option(flags, about);
  if (choices !== undefined) option.choices([...choices]);
  if (parse !== undefined || repeats === true)
    option.argParser((text: string, before: unknown) => {
      const value = readValue(text, parse);
      return repeats === true ? [...((before as unknown[] | undefined) ?? []), value] : value;
    });
  return option;
}

function readValue(text: string, parse: ((text: string) => unknown) | undefined): unknown {
  try {
    return parse === undefined ? text : parse(text);
  } catch (thrown) {
    if (thrown instanceof AtmosphereError) throw new InvalidArgumentError(`${thrown.message}.`);
    throw thrown;
  }
}

/** The nearest command that was given a flag decides. */
function readGlobals(command: Command): GlobalValues {
  const chain: Record<string, unknown>[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) chain.push(at.opts());
  const home = chain.find((options) => typeof options.home === 'string')?.home as string | undefined;
  return {
    ...(home === undefined ? {} : { home }),
    json: chain.some(({ json }) => json === true),
    quiet: chain.some(({ quiet }) => quiet === true),
    color: !chain.some(({ color }) => color === false),
  };
}

function helpOf(command: Command): string {
  return `${pathOf(command)} --help`;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** `pull` alone is a slip of the tongue: it is in a group. */
function meantIn(word: string): string {
  const groups = COMMANDS.filter(({ children }) => children?.some(({ usage }) => usage.split(' ')[0] === word));
  return groups.length === 0 ? '' : `; did you mean ${groups.map(({ usage }) => `${usage} ${word}`).join(' or ')}?`;
}

/** A group that does something by itself takes no words: what stands there was meant as one of its commands. */
function describeExtra(text: string, group: string, word: string): string {
  const commands = COMMANDS.find(({ usage }) => usage === group)?.children?.map(({ usage }) => usage.split(' ')[0]);
  return commands === undefined ? text : `'${group}' has no command '${word}'; it has ${commands.join(', ')}`;
}

function toSentence(error: CommanderError): string {
  if (error.code === 'commander.help') return 'A command is missing';
  return error.message
    .replace(/^error: /, '')
    .replace(/^unknown command '(.+)'$/, (text, word: string) => `${text}${meantIn(word)}`)
    .replace(/^too many arguments for '(.+)'\. Expected 0 arguments but got \d+: ([^,.]+).*$/, describeExtra)
    .replace(/\n\(Did you mean (.*?)\?\)$/, '; did you mean $1?')
    .replace(/^./, (first) => first.toUpperCase());
}

/** The last may take several words. */
function argumentsOf(processed: readonly (string | string[] | undefined)[]): string[] {
  return processed.flat().filter((text) => text !== undefined);
}
