/**
 * One agent that is wanted: its process, and the next one when that ends. Owns the process: when `stop` has resolved, it and its group are
 * gone, and nothing is started any more. A process begins only after `after` (the end of the one before it). Spec: docs/spec/23-agents.md §2, §3.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Clock, type Logger, messageOf, type Random } from '../core/index.ts';
import { backOffMs, failuresAfter } from './back-off.ts';
import { isWithin } from './is-within.ts';
import { AGENTS_LIMITS } from './limits.ts';
import { LogFile } from './log-file.ts';
import { signalGroup } from './process-table.ts';
import type { RunNotes } from './run-notes.ts';
import type { AgentRunner } from './runner.ts';
import type { AgentExit, AgentState, AgentStatus, WantedAgent } from './wanted-agent.ts';

/** What to run, or why nothing is. */
export type AgentCommand = { readonly words: AgentRunner } | { readonly refused: string } | { readonly noRunner: true };

export interface AgentSurroundings {
  readonly notes: RunNotes;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly environment: (agent: WantedAgent) => NodeJS.ProcessEnv;
  readonly onChange: () => void;
}

export class Agent {
  readonly wanted: WantedAgent;
  readonly #command: AgentCommand;
  readonly #around: AgentSurroundings;
  readonly #log: LogFile;
  readonly #begun: Promise<void>;
  #child: ChildProcess | undefined;
  #startedMs = { wall: 0, monotonic: 0 };
  #nextTryMs: number | undefined;
  #cancelTry = (): void => {};
  #failures = 0;
  #starts = 0;
  #lastExit: AgentExit | undefined;
  #isStopped = false;

  constructor(
    wanted: WantedAgent,
    command: AgentCommand,
    around: AgentSurroundings & { logFile: string },
    after: Promise<void>,
  ) {
    this.wanted = wanted;
    this.#command = command;
    this.#around = around;
    this.#log = new LogFile(around.logFile);
    this.#begun = after.then(() => this.#start());
  }

  status(): AgentStatus {
    const pid = this.#child?.pid;
    return {
      ...this.wanted,
      state: this.#state(),
      ...(pid === undefined ? {} : { pid, sinceMs: this.#startedMs.wall }),
      ...(this.#nextTryMs === undefined ? {} : { nextTryMs: this.#nextTryMs }),
      restarts: Math.max(0, this.#starts - 1),
      ...(this.#lastExit === undefined ? {} : { lastExit: this.#lastExit }),
      ...('refused' in this.#command ? { reason: this.#command.refused } : {}),
      logFile: this.#log.path,
    };
  }

  /** Resolves when nothing of it runs or is written, however long the kernel takes. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTry();
    await this.#begun;
    await this.#end();
    await this.#log.settled();
  }

  /** The process is asked first, and killed at a named time. */
  async #end(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const gone = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
    signalGroup(child.pid, 'SIGTERM');
    if (await isWithin(gone, AGENTS_LIMITS.stopGraceMs, this.#around.clock)) return;
    signalGroup(child.pid, 'SIGKILL');
    await gone;
  }

  #state(): AgentState {
    if ('noRunner' in this.#command) return 'no_runner';
    if ('refused' in this.#command) return 'refused';
    if (this.#child !== undefined) return 'running';
    return this.#nextTryMs === undefined ? 'starting' : 'waiting';
  }

  #start(): void {
    if (this.#isStopped || !('words' in this.#command)) return;
    const { clock, environment } = this.#around;
    const [program = '', ...rest] = this.#command.words;
    this.#nextTryMs = undefined;
    this.#starts += 1;
    this.#startedMs = { wall: clock.nowMs(), monotonic: clock.monotonicMs() };
    try {
      const env = environment(this.wanted);
      const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
      // A group of its own: one signal ends it with all that it started, and a terminal's Ctrl-C does not reach it.
      this.#own(spawn(program, rest, { cwd: this.wanted.folder, env, stdio, detached: true, windowsHide: true }));
    } catch (thrown) {
      this.#ended({ problem: messageOf(thrown) });
    }
  }

  #own(child: ChildProcess): void {
    child.once('error', (error) => {
      if (child.pid === undefined) this.#ended({ problem: messageOf(error) });
    });
    if (child.pid === undefined) return;
    const { pid } = child;
    this.#child = child;
    child.once('exit', (code, signal) => this.#exited(child, pid, code, signal));
    for (const pipe of [child.stdout, child.stderr]) void this.#keep(pipe);
    this.#note(pid);
    this.#around.logger.info({ package: this.wanted.packageId, agent: this.wanted.id, pid }, 'an agent was started');
    this.#around.onChange();
  }

  /** Without its note it could run twice after a crash: then it does not run at all. */
  #note(pid: number): void {
    try {
      this.#around.notes.write(this.wanted, pid);
    } catch (thrown) {
      this.#around.logger.warn({ agent: this.wanted.id, reason: messageOf(thrown) }, 'an agent could not be noted');
      signalGroup(pid, 'SIGKILL');
    }
  }

  /** Reads no faster than the log takes it, so that an agent that writes without end waits for the disk and fills no memory. */
  async #keep(pipe: ChildProcess['stdout']): Promise<void> {
    try {
      for await (const bytes of pipe ?? []) await this.#log.write(bytes as Buffer);
    } catch {
      // The pipe was closed under it.
    }
  }

  #exited(child: ChildProcess, pid: number, code: number | null, signal: string | null): void {
    // What it started ends with it: its successor must not meet it.
    signalGroup(pid, 'SIGKILL');
    this.#around.clock.after(AGENTS_LIMITS.killGraceMs, () => {
      for (const pipe of [child.stdout, child.stderr]) pipe?.destroy();
    });
    try {
      this.#around.notes.forget(this.wanted);
    } catch {
      // A note of a process that is gone does no harm.
    }
    this.#child = undefined;
    this.#ended({ ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) });
  }

  #ended(how: Pick<AgentExit, 'code' | 'signal' | 'problem'>): void {
    const { clock, random, logger, onChange } = this.#around;
    const ranMs = Math.round(clock.monotonicMs() - this.#startedMs.monotonic);
    this.#lastExit = { atMs: clock.nowMs(), ranMs, ...how };
    this.#failures = failuresAfter(this.#failures, ranMs);
    if (!this.#isStopped) {
      const waitMs = backOffMs(this.#failures, random);
      this.#nextTryMs = clock.nowMs() + waitMs;
      this.#cancelTry = clock.after(waitMs, () => this.#start());
      const fields = { package: this.wanted.packageId, agent: this.wanted.id, ...how, ranMs, waitMs };
      logger.warn(fields, 'an agent ended and is started again');
    }
    void this.#log.write(`-- ${wordsOf(how)} after ${(ranMs / 1000).toFixed(1)} s\n`);
    onChange();
  }
}

function wordsOf({ code, signal, problem }: Pick<AgentExit, 'code' | 'signal' | 'problem'>): string {
  if (problem !== undefined) return `not started: ${problem}`;
  return signal === undefined ? `ended with code ${code}` : `ended by ${signal}`;
}
