/**
 * Downloads without a mesh: holders come from a catalog that its user feeds, bytes by HTTP, verified and resumed as a
 * node's own pulls are. Owns its folder (one process at a time): blobs, parts with their journals, and a database that
 * remembers unfinished downloads and what each peer was worth. Nothing is opened before the first use; `close()` stops
 * what runs and leaves it to the next opening. Spec: docs/spec/12-library.md §3.
 */
import { type Clock, type Logger, type NodeId, type RequestId, silentLogger, systemClock } from '../../core/index.ts';
import { acquireHomeLock, type ModelCatalog, type ModelVariant } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import { openHome } from '../home.ts';
import { ModelLibrary } from '../library/model-library.ts';
import { freeBytesAt, openStorage, pieceHashStore } from '../open-storage.ts';
import { type OpenEndpointRules, openEndpointsOf } from '../peer-endpoints.ts';
import type { PeerSourcesOptions } from '../peer-sources.ts';
import type { Holder, HolderView } from '../pull/ports.ts';
import type { Transfer } from '../pull/transfer.ts';
import { TransferService } from '../pull/transfer-service.ts';
import { SwarmView } from '../swarm-view.ts';
import { transferLog } from '../transfer-log.ts';
import { type DownloadState, DownloadStates, toDownloadState } from './download-states.ts';

export interface ModelTransferServiceOptions {
  /** Who has what, and where. Its user feeds it with `model_catalog` messages, and closes it. */
  readonly catalog: ModelCatalog;
  /** Where models and parts lie; made when missing. */
  readonly folder: string;
  /** Fetch over plain HTTP from other machines too. Bytes are verified all the same; who reads along is not. */
  readonly allowPlainHttp?: boolean;
  /** For https peers: what to show them and how to know them. Without it they are not asked. */
  readonly credentials?: PeerSourcesOptions;
  readonly quotaBytes?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

export interface DownloadRequest {
  /** Asked before all others that have the model. */
  readonly preferredNodeId?: string;
  /** A version, a semver range, or `latest`. */
  readonly range?: string;
}

interface Opened extends AsyncDisposable {
  readonly transfers: TransferService;
}

export class ModelTransferService implements AsyncDisposable {
  readonly downloadStates = new DownloadStates();
  readonly #options: ModelTransferServiceOptions;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;

  constructor(options: ModelTransferServiceOptions) {
    this.#options = options;
  }

  /** Goes on with what a restart interrupted; a first download does the same. Throws NodeError, RegistryError, StoreError. */
  async start(): Promise<void> {
    await this.#open();
  }

  /**
   * Starts a download, or joins the one of the same content. What happens to it is in `downloadStates`. Throws NodeError
   * `model_not_found`, `model_ambiguous`; ProtocolError `invalid_range`; what `start()` throws.
   */
  async downloadModel(modelId: string, { preferredNodeId, range }: DownloadRequest = {}): Promise<RequestId> {
    const { entry } = findVariant(this.#options.catalog, modelId, range);
    const { transfers } = await this.#open();
    const target = { entry, preferredNodeId: preferredNodeId as NodeId | undefined };
    const transfer = transfers.start({ target });
    this.downloadStates.take(transfer.snapshot());
    return transfer.requestId;
  }

  /** Resolves when the download is over, however it ended. Throws NodeError `transfer_not_found`. */
  async finished(requestId: RequestId): Promise<DownloadState> {
    const transfer = this.#opened?.transfers.get(requestId);
    if (transfer !== undefined) return toDownloadState(await untilOver(transfer));
    throw new NodeError('transfer_not_found', `Waiting for ${requestId}: no such download is known to this process`);
  }

  /** Stops it; what arrived is kept. False when it is not running. */
  cancelDownload(requestId: RequestId): boolean {
    const transfer = this.#opened?.transfers.get(requestId);
    if (transfer === undefined || transfer.isOver) return false;
    transfer.cancel();
    return true;
  }

  /** Stops the downloads of one model and no other; says how many. */
  cancelDownloadByModelId(modelId: string): number {
    return this.#opened?.transfers.cancelByModel(modelId) ?? 0;
  }

  /** Interrupts what runs, for the next start to go on with. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#opened = undefined;
    const opened = await opening?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#assemble().catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    return this.#opening;
  }

  async #assemble(): Promise<Opened> {
    const stack = new AsyncDisposableStack();
    try {
      const transfers = await openTransfers(this.#options, stack);
      transfers.events.on((snapshot) => this.downloadStates.take(snapshot));
      transfers.resume();
      for (const snapshot of transfers.list()) if (isUnderWay(snapshot.state)) this.downloadStates.take(snapshot);
      const opened = { transfers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
      this.#opened = opened;
      return opened;
    } catch (thrown) {
      await stack.disposeAsync();
      throw thrown;
    }
  }
}

async function openTransfers(
  options: ModelTransferServiceOptions,
  stack: AsyncDisposableStack,
): Promise<TransferService> {
  const { catalog, folder, quotaBytes, logger = silentLogger, clock = systemClock } = options;
  const home = await openHome(folder);
  stack.use(acquireHomeLock(folder));
  const { registry, store } = await openStorage(quotaBytes === undefined ? {} : { quotaBytes }, home, logger, stack);
  const { hashCache, reliability, pieceLists } = registry;
  const models = new ModelLibrary({ registry, hashCache, store, home: folder, clock, logger });
  const rules = {
    allowPlainHttp: options.allowPlainHttp ?? false,
    hasCredentials: options.credentials !== undefined,
  };
  const swarm = new SwarmView({
    ...{ catalog, reliability, clock },
    ...(options.credentials ?? NO_CREDENTIALS),
    endpointsOf: (peer) => openEndpointsOf(peer, rules),
  });
  const view = reachableIn(swarm, catalog, rules);
  const pieceHashes = pieceHashStore(pieceLists);
  const log = transferLog(registry.transfers);
  const freeBytes = () => freeBytesAt(folder);
  const transfers = new TransferService({ store, view, pieceHashes, models, freeBytes, log, clock, logger });
  stack.defer(() => transfers.close());
  return transfers;
}

/** Whom the rules let nobody ask is nobody who has it: a download says so at once, and a resumed one waits. */
function reachableIn(swarm: SwarmView, catalog: ModelCatalog, rules: OpenEndpointRules): HolderView {
  const hasAddress = ({ nodeId }: Holder): boolean => {
    const node = catalog.getNodes().find((one) => one.nodeId === nodeId);
    return node !== undefined && openEndpointsOf(node.endpoints, rules).length > 0;
  };
  return {
    holders: (target, only) => swarm.holders(target, only).filter(hasAddress),
    otherClaims: (target) => swarm.otherClaims(target),
    onChange: (listener) => swarm.onChange(listener),
    sourceFor: (holder, blob) => swarm.sourceFor(holder, blob),
    report: (outcomes) => swarm.report(outcomes),
  };
}

/** Never asked: without credentials no https address is used. */
const NO_CREDENTIALS: PeerSourcesOptions = {
  tls: () => ({ key: '', cert: '' }),
  readPeer: () => {
    throw new TypeError('a peer over TLS without credentials');
  },
};

function findVariant(catalog: ModelCatalog, modelId: string, range: string | undefined): ModelVariant {
  const result = catalog.find(modelId, range);
  if (result.kind === 'found') return result.variant;
  if (result.kind === 'not_found')
    throw new NodeError('model_not_found', `Looking for ${modelId}: no catalog message names it now`);
  const variants = result.variants.map(({ sha256, version }) => ({ model_id: modelId, version, sha256 }));
  throw new NodeError('model_ambiguous', `Looking for ${modelId}: ${variants.length} contents fit`, {
    data: { variants },
  });
}

function untilOver(transfer: Transfer) {
  return new Promise<ReturnType<Transfer['snapshot']>>((resolve) => {
    if (transfer.isOver) return resolve(transfer.snapshot());
    const stop = transfer.events.on((snapshot) => {
      if (!transfer.isOver) return;
      stop();
      resolve(snapshot);
    });
  });
}

function isUnderWay(state: string): boolean {
  return state === 'Pending' || state === 'Downloading' || state === 'Verifying';
}
