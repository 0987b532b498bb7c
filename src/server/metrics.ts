/** Counters and gauges of the edge. Labels come from closed sets: a route's pattern, never a path. 05-http §9. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Viewer } from './ports.ts';

export interface HttpMetrics {
  readonly registry: Registry;
  request(route: string, status: number): void;
  sent(viewer: Viewer['kind'], bytes: number): void;
  connection(transport: 'plain' | 'tls', change: 1 | -1): void;
  refused(reason: string): void;
  blobStreams(change: 1 | -1): void;
}

export function createHttpMetrics(registry: Registry = new Registry()): HttpMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'atmosphere_http_requests_total',
    help: 'Requests answered, by route pattern and status; 0 where the client went away first',
    labelNames: ['route', 'status'],
    registers,
  });
  const sent = new Counter({
    name: 'atmosphere_http_sent_bytes_total',
    help: 'Bytes of blobs sent, by who asked',
    labelNames: ['viewer'],
    registers,
  });
  const connections = new Gauge({
    name: 'atmosphere_http_connections',
    help: 'Open connections',
    labelNames: ['transport'],
    registers,
  });
  const refused = new Counter({
    name: 'atmosphere_http_refused_total',
    help: 'Connections and requests refused, by reason',
    labelNames: ['reason'],
    registers,
  });
  const streams = new Gauge({ name: 'atmosphere_http_blob_streams', help: 'Blobs being sent', registers });
  return {
    registry,
    request: (route, status) => requests.inc({ route, status }),
    sent: (viewer, bytes) => sent.inc({ viewer }, bytes),
    connection: (transport, change) => connections.inc({ transport }, change),
    refused: (reason) => refused.inc({ reason }),
    blobStreams: (change) => streams.inc(change),
  };
}
