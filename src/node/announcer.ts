/** What this node says in the mesh, and where it says it is. Spec: docs/spec/04-catalog.md §4. */
import { networkInterfaces } from 'node:os';
import { type Clock, type Logger, messageOf } from '../core/index.ts';
import { isPastHalfLife, MESH_LIMITS, type Mesh } from '../mesh/index.ts';
import { type CatalogMessage, type ModelEntry, PROTOCOL_LIMITS, parseCatalogMessage } from '../protocol/index.ts';
import { CatalogPublisher, type CatalogPublisherOptions, type PublishedPage } from './catalog-publisher.ts';
import type { NodeParts } from './control/parts.ts';
import { NODE_LIMITS } from './limits.ts';
import { watchNetwork } from './network-watch.ts';
import { machineHash } from './peer-endpoints.ts';
import type { FetchBook } from './pull/fetch-book.ts';
import { SpacedCalls } from './spaced-calls.ts';

interface AnnouncerOptions {
  readonly mesh: Mesh;
  readonly clock: Clock;
  readonly nodeName: string;
  readonly programVersion: string;
  /** Address that HTTP listens on. */
  readonly http: { readonly host: string; readonly port: number };
  readonly fetching: FetchBook;
  /** Undefined: nodes on this machine use TLS too. */
  readonly machineMark: string | undefined;
  /** Splice relays where this node is reached. */
  readonly relays?: readonly string[] | undefined;
}

/** The parts of a catalog publisher that speak to the mesh. */
function announcer(
  options: AnnouncerOptions,
): Pick<CatalogPublisherOptions, 'publishedPages' | 'publishPage' | 'publishHeartbeat'> {
  const { mesh, clock } = options;
  return {
    publishedPages: () =>
      mesh.records({ kind: 'catalog', author: mesh.nodeId }).map((record) => toPage(record, clock.nowMs())),
    publishPage(page, entries) {
      const payload = toPayload(options, page, entries);
      mesh.publish({ kind: 'catalog', key: String(page), payload, ttlMs: MESH_LIMITS.nodeRecordLifeMs });
    },
    publishHeartbeat(summary) {
      const payload = { ...heartbeatOf(options), ...summary };
      mesh.publish({ kind: 'heartbeat', key: '', payload, ttlMs: HEARTBEAT_LIFE_MS });
    },
  };
}

const HEARTBEAT_LIFE_MS = PROTOCOL_LIMITS.catalogTtlSeconds * 1000;

/** So that nobody waits for a node that stopped on purpose. One that cannot say it any more is missed in time. */
function sayGoodbye({ mesh, name }: NodeParts): void {
  const payload = { type: 'heartbeat', node_name: name, leaving: true };
  try {
    mesh.publish({ kind: 'heartbeat', key: '', payload, ttlMs: HEARTBEAT_LIFE_MS });
  } catch {
    // Put out of the mesh, or a full disk: the node is missed when its word runs out.
  }
}

function toPage(record: ReturnType<Mesh['records']>[number], nowMs: number): PublishedPage {
  const isOld = isPastHalfLife(record, nowMs);
  return { page: Number(record.key), entries: readEntries(record.payload), isOld };
}

/** Our own page of an older program may not parse: it is then written anew. */
function readEntries(payload: unknown): CatalogMessage['models'] {
  try {
    return parseCatalogMessage(payload).models;
  } catch {
    return [];
  }
}

function toPayload({ mesh, clock, nodeName }: AnnouncerOptions, page: number, entries: readonly ModelEntry[]) {
  return {
    type: 'model_catalog',
    node_id: mesh.nodeId,
    node_name: nodeName,
    timestamp: clock.nowMs(),
    models: entries,
    transfer_endpoints: { websocket: true },
    ttl_seconds: PROTOCOL_LIMITS.catalogTtlSeconds,
    page,
  };
}

function heartbeatOf({ mesh, nodeName, programVersion, http, fetching, machineMark, relays }: AnnouncerOptions) {
  const fetched = fetching.newest(NODE_LIMITS.fetchingTold);
  return {
    type: 'heartbeat',
    node_name: nodeName,
    program_version: programVersion,
    http: httpAddresses(http.host).map((address) => `https://${address}:${http.port}`),
    mesh: mesh.addresses().slice(0, MAX_ADDRESSES),
    ...(fetched.length === 0 ? {} : { fetching: fetched }),
    ...(relays === undefined ? {} : { relays: relays.slice(0, MAX_RELAYS) }),
    ...(machineMark === undefined ? {} : { machine: machineHash(mesh.meshId, machineMark), loopback_port: http.port }),
  };
}

const MAX_ADDRESSES = 16;
const MAX_RELAYS = 4;

/** Addresses that other machines can use; loopback where there is no other. */
export function httpAddresses(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [bracketed(host)];
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const usable = all.filter(
    ({ internal, scopeid, family }) => !internal && !scopeid && (family === 'IPv4' || host === '::'),
  );
  const addresses = usable.map(({ address }) => bracketed(address)).slice(0, MAX_ADDRESSES);
  return addresses.length > 0 ? addresses : ['127.0.0.1'];
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

export interface Announcing {
  readonly http: AnnouncerOptions['http'];
  readonly machineMark: string | undefined;
  readonly relays?: readonly string[] | undefined;
  /** Between heartbeats; never so long that one loss makes the node look gone. */
  readonly periodSeconds: number | undefined;
  readonly logger: Logger;
}

const DEFAULT_PERIOD_SECONDS = 90;
const MAX_PERIOD_SECONDS = PROTOCOL_LIMITS.catalogTtlSeconds / 3;

/** Starts telling the mesh, now and at every change. */
export function announcing(
  parts: NodeParts,
  { http, machineMark, relays, periodSeconds, logger }: Announcing,
): AsyncDisposable {
  const { mesh, library, offers, clock, fetching, name: nodeName, programVersion } = parts;
  const period = Math.min(periodSeconds ?? DEFAULT_PERIOD_SECONDS, MAX_PERIOD_SECONDS);
  const publisher = new CatalogPublisher({
    ...announcer({ mesh, clock, nodeName, programVersion, http, fetching, machineMark, relays }),
    clock,
    periodMs: period * 1000,
    entries: () => [...library.entries(), ...offers.entries()],
    onFailure: (thrown) => logger.warn({ reason: messageOf(thrown) }, 'the mesh was not told what this node has'),
  });
  const { fetchingBurst: burst, fetchingEveryMs: everyMs } = NODE_LIMITS;
  const told = new SpacedCalls({ clock, burst, everyMs, act: () => publisher.changed() });
  const stops = [
    library.changes.on(() => publisher.changed()),
    offers.changes.on(() => publisher.changed()),
    mesh.membershipEvents.on(() => publisher.changed()),
    watchNetwork(clock, () => {
      mesh.networkChanged();
      publisher.changed();
    }),
    fetching.changes.on(() => told.call()),
    () => told[Symbol.dispose](),
  ];
  publisher.start();
  return {
    async [Symbol.asyncDispose]() {
      for (const stop of stops) stop();
      await publisher[Symbol.asyncDispose]();
      sayGoodbye(parts);
    },
  };
}
