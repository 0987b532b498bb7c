/** A node's use-cases wired together: what is here, what the mesh has, and getting it. The daemon opens it. */
export { type AgentView, agentView } from './agent-view.ts';
export { NODE_ERRORS, NodeError, type NodeErrorCode } from './errors.ts';
export { type Home, openHome, writeLocalToken } from './home.ts';
export { type NodeOptions, type OpenNode, openNode, type PeerFacts } from './open-node.ts';
