/** A daemon for tests that is killed: supervises the agents of its one argument, and says when they run. */
import { seededRandom, silentLogger, systemClock } from '../../core/index.ts';
import { AgentSupervisor, type AgentSupervisorOptions, type WantedAgent } from '../index.ts';

interface Task extends Pick<AgentSupervisorOptions, 'runner' | 'owner' | 'logFolder' | 'runFolder'> {
  readonly wanted: readonly WantedAgent[];
}

const { wanted, ...options } = JSON.parse(process.argv[2] ?? '') as Task;
const ports = { clock: systemClock, random: seededRandom(1), logger: silentLogger };
const supervisor = new AgentSupervisor({ ...options, ...ports, facts: () => ({}) });
supervisor.changes.on(() => {
  const statuses = supervisor.statuses();
  if (statuses.every(({ state }) => state === 'running')) process.stdout.write(`${JSON.stringify(statuses)}\n`);
});
await supervisor.apply(wanted);
setInterval(() => {}, 1_000);
