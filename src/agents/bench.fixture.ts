/** A folder with agents in it, and supervisors over it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, seededRandom, silentLogger, systemClock } from '../core/index.ts';
import { AgentSupervisor, type AgentSupervisorOptions } from './agent-supervisor.ts';
import type { AgentStatus, WantedAgent } from './wanted-agent.ts';

/** Runs a program of Node's language, with the agent's file as its argument. */
export function nodeRunner(program: string): string[] {
  return [process.execPath, '-e', program, '{path}', '{id}', '{version}', '{package}'];
}

export const STAYS = 'setInterval(() => {}, 1000)';

export class AgentBench implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'atmosphere-agents-'));

  wanted(id = 'vision', words: Partial<WantedAgent> = {}): WantedAgent {
    mkdirSync(join(this.folder, 'package'), { recursive: true });
    const path = join(this.folder, 'package', `${id}.yaml`);
    return {
      packageId: 'line',
      packageVersion: '1.0',
      id,
      version: '1.2',
      path,
      folder: join(this.folder, 'package'),
      ...words,
    };
  }

  options(): Pick<AgentSupervisorOptions, 'owner' | 'logFolder' | 'runFolder'> {
    return { owner: this.folder, logFolder: join(this.folder, 'logs'), runFolder: join(this.folder, 'run') };
  }

  supervisor(runner: readonly string[] | undefined, clock: Clock = systemClock, facts = {}): AgentSupervisor {
    const ports = { clock, random: seededRandom(7), logger: silentLogger };
    return new AgentSupervisor({ ...this.options(), ...ports, runner, facts: () => facts });
  }

  /** What the agent has written by now. */
  log(name = 'vision.log'): Promise<string> {
    return readFile(join(this.folder, 'logs', 'line', name), 'utf8').catch(() => '');
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Resolves with the statuses as soon as they are right. */
export function untilStatuses(
  supervisor: AgentSupervisor,
  isRight: (statuses: readonly AgentStatus[]) => boolean,
): Promise<AgentStatus[]> {
  return new Promise((resolve) => {
    const look = () => {
      const statuses = supervisor.statuses();
      if (isRight(statuses)) resolve(statuses);
    };
    supervisor.changes.on(look);
    look();
  });
}

export function isRunning(...states: readonly boolean[]): (statuses: readonly AgentStatus[]) => boolean {
  return (statuses) =>
    statuses.length === states.length && statuses.every(({ pid }, index) => (pid !== undefined) === states[index]);
}
