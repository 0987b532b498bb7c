/**
 * The agents of a node: which should run is told by `apply`, as a whole and as often as one likes; what follows from it is done here. One
 * process an agent, never two of the same, also not beside one that a killed daemon left. Spec: docs/spec/23-agents.md.
 */
import { join } from 'node:path';
import { type Clock, Emitter, type Logger, messageOf, type Random } from '../core/index.ts';
import { Agent, type AgentCommand } from './agent.ts';
import { agentEnvironment } from './agent-environment.ts';
import { isWithin } from './is-within.ts';
import { AGENTS_LIMITS } from './limits.ts';
import { RunNotes } from './run-notes.ts';
import { type AgentRunner, commandFor } from './runner.ts';
import { type AgentStatus, isSameAgent, keyOf, segmentOf, type WantedAgent } from './wanted-agent.ts';

export interface AgentSupervisorOptions {
  /** Without it nothing is started, and every agent says so. */
  readonly runner: AgentRunner | undefined;
  /** Whose agents these are, on this machine: the home. */
  readonly owner: string;
  readonly logFolder: string;
  /** Notes of the processes that run. */
  readonly runFolder: string;
  /** `ATMOSPHERE_…` variables, asked for at each start. */
  readonly facts: () => Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export class AgentSupervisor implements AsyncDisposable {
  /** Something in `statuses` is different now. */
  readonly changes = new Emitter<void>();
  readonly #options: AgentSupervisorOptions;
  readonly #notes: RunNotes;
  readonly #orphansGone: Promise<void>;
  readonly #agents = new Map<string, Agent>();
  /** Of agents that were wanted once and whose last process may still be ending. */
  readonly #ends = new Map<string, Promise<void>>();
  #isClosed = false;

  /** Begins by ending what an earlier daemon of this home left; nothing is started before that is gone. */
  constructor(options: AgentSupervisorOptions) {
    this.#options = options;
    this.#notes = new RunNotes(options.runFolder);
    this.#orphansGone = this.#endOrphans();
  }

  /** These are wanted, and no others. Resolves when what is wanted no more has ended, or would not within the time that it has. */
  async apply(wanted: readonly WantedAgent[]): Promise<void> {
    if (this.#isClosed) return;
    const byKey = new Map(wanted.map((agent) => [keyOf(agent), agent]));
    const ending = [...this.#agents].flatMap(([key, agent]) => {
      const now = byKey.get(key);
      return now !== undefined && isSameAgent(now, agent.wanted) ? [] : [this.#end(key, agent)];
    });
    for (const [key, agent] of byKey) if (!this.#agents.has(key)) this.#begin(key, agent);
    this.changes.emit();
    await this.#within(Promise.all(ending));
  }

  /** In the order of package and id. */
  statuses(): AgentStatus[] {
    return [...this.#agents].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, agent]) => agent.status());
  }

  get hasRunner(): boolean {
    return this.#options.runner !== undefined;
  }

  /** Ends all of them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const [key, agent] of [...this.#agents]) void this.#end(key, agent);
    await this.#within(Promise.all([this.#orphansGone, ...this.#ends.values()]));
  }

  /** A process that the kernel does not let go holds nobody up but its own successor. */
  async #within(ends: Promise<unknown>): Promise<void> {
    const { stopGraceMs, killGraceMs } = AGENTS_LIMITS;
    await isWithin(ends, stopGraceMs + killGraceMs, this.#options.clock);
  }

  #begin(key: string, wanted: WantedAgent): void {
    const { logFolder, clock, random, logger } = this.#options;
    const logFile = join(logFolder, segmentOf(wanted.packageId), `${segmentOf(wanted.id)}.log`);
    const environment = (agent: WantedAgent) => agentEnvironment(agent, this.#options);
    const around = {
      notes: this.#notes,
      clock,
      random,
      logger,
      environment,
      logFile,
      onChange: () => this.changes.emit(),
    };
    const after = this.#ends.get(key) ?? this.#orphansGone;
    this.#agents.set(key, new Agent(wanted, this.#commandFor(wanted), around, after));
  }

  #end(key: string, agent: Agent): Promise<void> {
    this.#agents.delete(key);
    const end = agent.stop().then(() => {
      if (this.#ends.get(key) === end) this.#ends.delete(key);
    });
    this.#ends.set(key, end);
    return end;
  }

  #commandFor(wanted: WantedAgent): AgentCommand {
    const { runner } = this.#options;
    if (runner === undefined) return { noRunner: true };
    if (this.#agents.size < AGENTS_LIMITS.agents) return commandFor(runner, wanted);
    return { refused: `${AGENTS_LIMITS.agents} agents run here already` };
  }

  async #endOrphans(): Promise<void> {
    const { owner, clock, logger } = this.#options;
    try {
      const count = await this.#notes.endOrphans(owner, clock);
      if (count > 0) logger.info({ count }, 'agents that an earlier daemon had left were ended');
    } catch (thrown) {
      logger.warn({ reason: messageOf(thrown) }, 'agents that an earlier daemon had left could not be ended');
    }
  }
}
