/** How an agent is, in words. Pure. */
import type { AgentExit, AgentStatus } from '../../agents/index.ts';

export const NO_RUNNER = 'no agent runner is configured here';

/** What to add to its state. */
export function describeAgent(status: AgentStatus): string {
  const { state, pid, sinceMs, restarts, lastExit, nextTryMs, reason } = status;
  if (state === 'no_runner') return NO_RUNNER;
  if (state === 'refused') return reason ?? '';
  if (state === 'starting') return 'starting';
  const times = restarts === 0 ? '' : `, started again ${restarts} ${restarts === 1 ? 'time' : 'times'}`;
  if (state === 'running') return `pid ${pid} since ${moment(sinceMs)}${times}`;
  return `${describeExit(lastExit)}; next try at ${moment(nextTryMs)}${times}`;
}

function describeExit(exit: AgentExit | undefined): string {
  if (exit === undefined) return 'ended';
  const { code, signal, problem, ranMs } = exit;
  if (problem !== undefined) return `not started: ${problem}`;
  return `ended ${signal === undefined ? `with code ${code}` : `by ${signal}`} after ${(ranMs / 1000).toFixed(1)} s`;
}

function moment(ms: number | undefined): string {
  return ms === undefined ? '-' : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
