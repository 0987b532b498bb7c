/** What the edge knows of one request, from its arrival to its log line. */
import type { IncomingMessage } from 'node:http';
import type { Viewer } from './ports.ts';

export interface RequestContext {
  viewer: Viewer;
  /** The route's pattern, for metrics and the log. */
  route: string;
  sentBytes: number;
  readonly startedMs: number;
}

const contexts = new WeakMap<IncomingMessage, RequestContext>();

export function beginContext(request: IncomingMessage, startedMs: number): RequestContext {
  const context: RequestContext = { viewer: { kind: 'stranger' }, route: 'none', sentBytes: 0, startedMs };
  contexts.set(request, context);
  return context;
}

export function contextOf(request: IncomingMessage): RequestContext {
  const context = contexts.get(request);
  if (context === undefined) throw new Error('a request that did not come through the edge');
  return context;
}
