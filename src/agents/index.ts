/**
 * Agents of packages as processes: started by the command that the node's owner gave, kept running, ended with the node. Knows
 * neither packages nor the mesh: it is told what should run. Spec: docs/spec/23-agents.md.
 */
export { AgentSupervisor, type AgentSupervisorOptions } from './agent-supervisor.ts';
export { type AgentRunner, checkRunner } from './runner.ts';
export type { AgentExit, AgentStatus, WantedAgent } from './wanted-agent.ts';
