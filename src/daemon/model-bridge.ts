/**
 * The models that lie on this machine, served over HTTP and told as `model_catalog` messages, without a mesh and without
 * a control API. Lives inside any program: it listens on a port of its own, and after `stop()` no socket, timer, watch or
 * thread of it is left. Whoever embeds it carries its messages. Spec: docs/spec/12-library.md §4.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Emitter, GB, silentLogger, systemClock } from '../core/index.ts';
import { httpAddresses, NodeError, openShelf, type Shelf } from '../node/index.ts';
import { type ModelEntry, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { type Address, openHttpEdge, ServerError } from '../server/index.ts';
import { type BridgeSettings, type ModelBridgeOptions, toBridgeSettings } from './bridge-options.ts';
import { readProgramVersion } from './program-version.ts';

/** As on the wire: docs/spec/04-catalog.md §4. */
export interface BridgeCatalogMessage {
  readonly type: 'model_catalog';
  readonly node_id: string;
  readonly node_name: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly models: readonly ModelEntry[];
  readonly transfer_endpoints: { readonly http: string; readonly websocket: boolean };
  readonly ttl_seconds: number;
}

export interface BridgeStats {
  readonly nodeId: string;
  readonly nodeName: string;
  /** Every byte verified: these are served. */
  readonly totalModels: number;
  readonly totalSizeBytes: number;
  /** Decimal. */
  readonly totalSizeGb: number;
  /** Found and still being read. */
  readonly hashing: { readonly filesLeft: number; readonly bytesLeft: number };
  readonly httpPort: number;
  /** Base URL, as the catalog message tells it. */
  readonly url: string;
}

interface Running {
  readonly shelf: Shelf;
  readonly address: Address;
  readonly nodeId: string;
  readonly nodeName: string;
}

/** Models that come together are told together. */
const SETTLE_MS = 100;
const NODE_ID_SETTING = 'bridge_node_id';

export class ModelBridge implements AsyncDisposable {
  readonly #options: ModelBridgeOptions;
  readonly #catalogs = new Emitter<BridgeCatalogMessage>();
  #starting: Promise<void> | undefined;
  #stack: AsyncDisposableStack | undefined;
  #running: Running | undefined;

  constructor(options: ModelBridgeOptions = {}) {
    this.#options = options;
  }

  /**
   * Resolves when HTTP answers; models appear as they are read. Throws ServerError `port_in_use`, RegistryError
   * `home_in_use`, NodeError `home_unusable`, RangeError for a bad variable; then nothing is left open.
   */
  async start(): Promise<void> {
    if (this.#starting !== undefined)
      throw new NodeError('already_started', 'Starting the bridge: it is started already');
    this.#starting = this.#start();
    await this.#starting;
  }

  /** Answers under way may end; then nothing of the bridge is left. Nothing happens to one that is stopped. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    const stack = this.#stack;
    this.#stack = undefined;
    this.#running = undefined;
    this.#starting = undefined;
    await stack?.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Throws NodeError `not_started`. */
  getStats(): BridgeStats {
    const running = this.#started();
    const { shelf, address, nodeId, nodeName } = running;
    const entries = shelf.entries();
    const totalSizeBytes = entries.reduce((sum, entry) => sum + entry.size_bytes, 0);
    const { files_left: filesLeft, bytes_left: bytesLeft } = shelf.hashing();
    return {
      ...{ nodeId, nodeName, totalModels: entries.length, totalSizeBytes, totalSizeGb: totalSizeBytes / GB },
      ...{ hashing: { filesLeft, bytesLeft }, httpPort: address.port, url: urlOf(address) },
    };
  }

  /** What to tell others now. Of more models than one message holds, the first. Throws NodeError `not_started`. */
  catalogMessage(): BridgeCatalogMessage {
    const { shelf, address, nodeId, nodeName } = this.#started();
    return {
      type: 'model_catalog',
      node_id: nodeId,
      node_name: nodeName,
      timestamp: systemClock.nowMs(),
      models: shelf.entries().slice(0, PROTOCOL_LIMITS.catalogEntriesPerMessage),
      transfer_endpoints: { http: urlOf(address), websocket: false },
      ttl_seconds: PROTOCOL_LIMITS.catalogTtlSeconds,
    };
  }

  /** Calls back with the message to send: at the start, at every change and each gossip interval. */
  onCatalog(listener: (message: BridgeCatalogMessage) => void): () => void {
    return this.#catalogs.on(listener);
  }

  async #start(): Promise<void> {
    const stack = new AsyncDisposableStack();
    try {
      const settings = toBridgeSettings(this.#options, process.env);
      this.#running = await this.#open(settings, stack);
      this.#announce(this.#running.shelf, settings.gossipMs, stack);
      this.#stack = stack;
    } catch (thrown) {
      this.#starting = undefined;
      await stack.disposeAsync();
      throw thrown;
    }
  }

  async #open({ places, openLan, home, ...settings }: BridgeSettings, stack: AsyncDisposableStack): Promise<Running> {
    const { logger = silentLogger } = this.#options;
    const shelf = stack.use(await openShelf({ folder: home, places, openLan, clock: systemClock, logger }));
    const { host, httpPort: port, nodeName = hostname() } = settings;
    const { address } = stack.use(
      await openHttpEdge({
        ...{ host, port, openLan, content: shelf.content, logger, version: readProgramVersion() },
        ...{ localToken: '', peers: { verifyPeer: refuse }, tokens: { verifyToken: refuse } },
      }),
    );
    return { shelf, address, nodeName, nodeId: settings.nodeId ?? keptNodeId(shelf) };
  }

  #announce(shelf: Shelf, periodMs: number, stack: AsyncDisposableStack): void {
    const tell = (): void => this.#catalogs.emit(this.catalogMessage());
    let cancelBeat = (): void => {};
    let cancelSettle: (() => void) | undefined;
    const beat = (): void => {
      cancelBeat = systemClock.after(periodMs, beat);
      tell();
    };
    const stopListening = shelf.changes.on(() => {
      cancelSettle ??= systemClock.after(SETTLE_MS, () => {
        cancelSettle = undefined;
        tell();
      });
    });
    stack.defer(() => {
      stopListening();
      cancelBeat();
      cancelSettle?.();
    });
    beat();
  }

  #started(): Running {
    if (this.#running !== undefined) return this.#running;
    throw new NodeError('not_started', 'Asking the bridge: it is not started');
  }
}

function keptNodeId({ settings }: Shelf): string {
  const kept = settings.get(NODE_ID_SETTING);
  if (typeof kept === 'string') return kept;
  const made = `bridge-${randomUUID()}`;
  settings.set(NODE_ID_SETTING, made);
  return made;
}

function urlOf({ host, port }: Address): string {
  return `http://${httpAddresses(host)[0]}:${port}`;
}

/** There is no mesh whose members or tokens could be told from anybody's. */
function refuse(): never {
  throw new ServerError('token_refused', 'Asking a bridge: it knows no members and no tokens');
}
