/** An agent that should run, and how it does. Spec: docs/spec/23-agents.md §1, §4. */
export interface WantedAgent {
  readonly packageId: string;
  readonly packageVersion: string;
  readonly id: string;
  readonly version: string;
  /** Absolute: the agent's own file. */
  readonly path: string;
  /** Absolute: where it runs, the installed package's folder. */
  readonly folder: string;
}

export type AgentState = 'running' | 'starting' | 'waiting' | 'no_runner' | 'refused';

export interface AgentExit {
  readonly atMs: number;
  readonly ranMs: number;
  readonly code?: number;
  readonly signal?: string;
  /** Why it could not even be started. */
  readonly problem?: string;
}

export interface AgentStatus extends WantedAgent {
  readonly state: AgentState;
  readonly pid?: number;
  /** Since when it runs. */
  readonly sinceMs?: number;
  /** When it is started again. */
  readonly nextTryMs?: number;
  /** How often it was started again since it has been wanted. */
  readonly restarts: number;
  readonly lastExit?: AgentExit;
  /** Why it is not started at all. */
  readonly reason?: string;
  readonly logFile: string;
}

/** One of its kind on a node, whatever its version. */
export function keyOf({ packageId, id }: Pick<WantedAgent, 'packageId' | 'id'>): string {
  return `${packageId}\n${id}`;
}

/** Would the same process do for both? */
export function isSameAgent(one: WantedAgent, other: WantedAgent): boolean {
  return (
    one.version === other.version &&
    one.packageVersion === other.packageVersion &&
    one.path === other.path &&
    one.folder === other.folder
  );
}

/** A name as one segment of a path, different for different names, never `.` or `..`. */
export function segmentOf(name: string): string {
  return encodeURIComponent(name).replace(/^\./, '%2E');
}
