/**
 * The HTTP edge: one port for peers (TLS), tools and the owner (plain); models, blobs, the control API, metrics and the
 * API page. It knows the rest of the daemon by its ports only. Spec: docs/spec/05-http.md.
 */
export { openAgentPort } from './agent/agent-port.ts';
export { ServerError } from './errors.ts';
export { HaveBook } from './have/have-book.ts';
export { type HttpEdge, openHttpEdge } from './http-edge.ts';
export type {
  ServedBlob,
  ServedContent,
} from './ports.ts';
export type { Address } from './transport.ts';
