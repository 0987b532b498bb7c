/** The command that starts agents: said at the start, kept over restarts; none unless said. Spec: docs/spec/23-agents.md §1. */
import { type AgentRunner, checkRunner } from '../../agents/index.ts';
import type { Registry } from '../../registry/index.ts';

const KEY = 'agent_runner';

/** What is given now counts, else what was given last; null takes it away. Throws AgentsError `bad_runner`, and then keeps what was. */
export function runnerSetting(
  settings: Registry['settings'],
  given: readonly string[] | null | undefined,
): AgentRunner | undefined {
  if (given === undefined) return readKept(settings.get(KEY));
  if (given === null) {
    settings.delete(KEY);
    return undefined;
  }
  const runner = checkRunner(given);
  settings.set(KEY, runner);
  return runner;
}

/** A setting of another program version may not be readable: it is then as if it had never been said. */
function readKept(value: unknown): AgentRunner | undefined {
  try {
    return Array.isArray(value) ? checkRunner(value) : undefined;
  } catch {
    return undefined;
  }
}
