/**
 * The HTTP edge: one port for peers (TLS), tools and the owner (plain); models, blobs, the control API, metrics and the
 * API page. It knows the rest of the daemon by its ports only. Spec: docs/spec/05-http.md.
 */
export { type AgentPort, type AgentPortOptions, openAgentPort } from './agent/agent-port.ts';
export type { AgentContent, AgentModel, AgentPull } from './agent/ports.ts';
export { SERVER_ERRORS, ServerError, type ServerErrorCode } from './errors.ts';
export { type HttpEdge, type HttpEdgeOptions, openHttpEdge } from './http-edge.ts';
export { SERVER_LIMIT_TABLE, SERVER_LIMITS, type ServerLimits } from './limits.ts';
export type {
  PeerIdentity,
  PeerVerifier,
  ServedBlob,
  ServedContent,
  ServedFile,
  ServedModel,
  TlsIdentity,
  TokenVerifier,
  Viewer,
} from './ports.ts';
export type { Address } from './transport.ts';
