/** The command line as a function: arguments in, exit code out. Signals and the process itself are main.ts's. */

import { readFileSync } from 'node:fs';
import { COMMANDS } from './commands/index.ts';
import { Context } from './context.ts';
import type { Io } from './io.ts';
import { Output } from './output.ts';
import { type Invocation, parseInvocation, UsageFault } from './program.ts';

const USAGE_EXIT_CODE = 2;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  let invocation: Invocation | undefined;
  try {
    invocation = await parseInvocation(toCommandLine(argv), io, readVersion());
  } catch (thrown) {
    if (!(thrown instanceof UsageFault)) throw thrown;
    reportUsage(thrown, argv, io);
    return USAGE_EXIT_CODE;
  }
  return invocation === undefined ? 0 : execute(invocation, io, argv);
}

/** `help model pull` is `model pull --help`; the parser's own `help` knows one word. */
function toCommandLine(argv: readonly string[]): readonly string[] {
  if (argv.length === 0) return ['--help'];
  return argv[0] === 'help' && argv.length > 2 ? [...argv.slice(1), '--help'] : argv;
}

async function execute(invocation: Invocation, io: Io, argv: readonly string[]): Promise<number> {
  const { spec, args, options, globals, help } = invocation;
  const subject = /^\S+ [<[]name[>\]]/.test(spec.usage) ? args[0] : undefined;
  const file = /^\S+ <path>/.test(spec.usage) ? args[0] : undefined;
  const context = new Context(io, { globals, argv, subject, file, help });
  try {
    const code = await spec.run(context, { args, options, commands: COMMANDS });
    return code ?? 0;
  } catch (thrown) {
    const { describeFailure, reportFailure, toErrorDocument, toFailedEvent } = await import('./failure.ts');
    const failure = describeFailure(thrown, context);
    if (context.json) context.out.event(spec.endsWithEvent ? toFailedEvent(failure) : toErrorDocument(failure));
    reportFailure(context, failure);
    return failure.exitCode;
  } finally {
    context.out.progress.end();
  }
}

function reportUsage(fault: UsageFault, argv: readonly string[], io: Io): void {
  const json = argv.includes('--json');
  const color = !argv.includes('--no-color') && !io.env.NO_COLOR;
  const out = new Output({ stdout: io.stdout, stderr: io.stderr, json, color, quiet: false });
  if (json) out.event({ error: { code: 'bad_usage', message: fault.message, kind: 'usage', try: fault.help } });
  out.error(fault.message, [`try: ${fault.help}`]);
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
