/** What every command gets: where it speaks, where its home is, and the daemon when it asks for it. */
import { join, resolve } from 'node:path';
import type { AnswerOf, CallInput, ControlClient, ControlRouteName } from '../api/index.ts';
import type { Io } from './io.ts';
import { CLI_LIMITS } from './limits.ts';
import type { GlobalValues } from './option.ts';
import { Output } from './output.ts';

export interface ContextOptions {
  readonly globals: GlobalValues;
  readonly argv: readonly string[];
  readonly subject?: string | undefined;
  readonly file?: string | undefined;
  readonly help?: string | undefined;
}

export class Context {
  readonly io: Io;
  readonly home: string;
  /** `--home` as it was given. */
  readonly homeFlag: string | undefined;
  /** The whole command line, to start it again in the background. */
  readonly argv: readonly string[];
  /** The model that the command is about, as it was given. */
  readonly subject: string | undefined;
  /** The file that it is about, as it was given. */
  readonly file: string | undefined;
  /** The command line that shows the help of this command. */
  readonly help: string | undefined;
  readonly out: Output;
  /** Aborted by a signal, or when nobody reads stdout any more. */
  readonly signal: AbortSignal;
  #client: Promise<ControlClient> | undefined;

  constructor(io: Io, { globals, argv, subject, file, help }: ContextOptions) {
    const noColor = globals.color === false || Boolean(io.env.NO_COLOR);
    this.io = io;
    this.argv = argv;
    this.subject = subject;
    this.file = file;
    this.help = help;
    this.homeFlag = globals.home;
    this.home = homeOf(io, globals.home);
    this.signal = AbortSignal.any([io.interrupted, io.stdoutClosed]);
    this.out = new Output({
      stdout: io.stdout,
      stderr: io.stderr,
      json: globals.json === true,
      quiet: globals.quiet === true,
      color: !noColor,
    });
  }

  get json(): boolean {
    return this.out.json;
  }

  /** The daemon of this home. Throws ApiError `daemon_unreachable`. */
  connect(): Promise<ControlClient> {
    this.#client ??= import('./daemon-link.ts').then(({ openDaemonLink }) => openDaemonLink(this.home));
    return this.#client;
  }

  /** One question to the daemon, bounded in time, ended by an interrupt. */
  async call<Name extends ControlRouteName>(
    name: Name,
    input: CallInput<Name> = {},
    timeoutMs = CLI_LIMITS.answerTimeoutMs,
  ): Promise<AnswerOf<Name>> {
    const client = await this.connect();
    return client.call(name, input, AbortSignal.any([this.signal, AbortSignal.timeout(timeoutMs)]));
  }
}

function homeOf(io: Io, flag: string | undefined): string {
  return resolve(io.cwd, flag || io.env.ATMOSPHERE_HOME || join(io.homeDir, '.atmosphere'));
}
