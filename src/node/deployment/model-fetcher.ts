/**
 * The reconciler's way to bytes: an ordinary transfer, which goes on after a crash, is shown with the others, and is shared with a
 * pull of the same content. Spec: docs/spec/17-deployment.md §4, docs/spec/10-transfer.md §11.
 */
import type { Clock, ModelId, NodeId } from '../../core/index.ts';
import type { ContentKey, Fetcher, FetchOptions } from '../../deploy/index.ts';
import { type ModelEntry, type ModelManifest, manifestToEntry } from '../../protocol/index.ts';
import type { ModelCatalog } from '../../registry/index.ts';
import type { Priority } from '../../transfer/index.ts';
import { sourcesOf } from '../consent/sources-of.ts';
import { NodeError } from '../errors.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import { NODE_LIMITS } from '../limits.ts';
import { type Askable, nobodyHeardOf, waitForHolder } from '../pull/holder-wait.ts';
import type { PullTarget } from '../pull/ports.ts';
import type { Transfer } from '../pull/transfer.ts';
import type { TransferService } from '../pull/transfer-service.ts';

export interface ModelFetcherOptions {
  readonly library: ModelLibrary;
  readonly transfers: TransferService;
  readonly catalog: ModelCatalog;
  readonly askable: Askable;
  /** Of these, those to be asked about first that the owner has not agreed to; none is yes. */
  unagreed(sources: readonly string[]): readonly string[];
  readonly nodeId: NodeId;
  /** URL templates. */
  readonly mirrors: readonly string[];
  readonly clock: Clock;
}

/** 1 is first; both middle ones are what a transfer is without a word. */
const PRIORITIES: readonly Priority[] = ['critical', 'high', 'normal', 'normal', 'low'];

export class ModelFetcher implements Fetcher {
  readonly #options: ModelFetcherOptions;
  /** The node is closing: transfers are ended by their own service, which remembers them. */
  isClosing = false;

  constructor(options: ModelFetcherOptions) {
    this.#options = options;
  }

  async isHere(manifest: ModelManifest): Promise<boolean> {
    return (await this.#options.library.pathOf(manifest)) !== undefined;
  }

  async fetch(manifest: ModelManifest, { priority, onProgress }: FetchOptions, signal: AbortSignal): Promise<void> {
    const target = { entry: this.#entryOf(manifest) };
    await this.#untilSomebodyHas(target, signal);
    this.#verifyConsent(target);
    const wish = { priority: PRIORITIES[priority - 1] ?? 'normal' };
    const transfer = this.#options.transfers.start({ target, wish });
    const stop = transfer.events.on(({ bytesDownloaded, totalBytes }) =>
      onProgress(totalBytes === 0 ? 0 : bytesDownloaded / totalBytes),
    );
    try {
      await this.#untilOver(transfer, signal);
    } finally {
      stop();
    }
    const { state, error } = transfer.snapshot();
    if (state === 'Completed') return;
    throw Object.assign(new Error(error?.message ?? `The transfer ended as ${state}`), {
      code: error?.code ?? 'transfer_failed',
    });
  }

  async drop(modelId: ModelId, { version, sha256 }: ContentKey): Promise<void> {
    const model = this.#options.library.find({ model_id: modelId, version, sha256 });
    if (model !== undefined) await this.#options.library.remove(model);
  }

  /** The manifest is what was signed; what only its bytes' holders know is taken from them, and verified. */
  #entryOf(manifest: ModelManifest): ModelEntry {
    const entry = manifestToEntry(manifest);
    if (entry.piece_root !== undefined) return entry;
    const claim = this.#options.catalog.claimsOf(manifest.sha256).find(({ entry: { piece_root } }) => piece_root);
    if (claim === undefined) return entry;
    const { piece_root, file_count, file_list_bytes, file } = claim.entry;
    return { ...entry, ...defined({ piece_root, file_count, file_list_bytes, file: entry.file ?? file }) };
  }

  /** An order may be here before the news of who has the model. */
  async #untilSomebodyHas(target: PullTarget, signal: AbortSignal): Promise<void> {
    const { askable, clock } = this.#options;
    const giveUp = () => nobodyHeardOf(target);
    await waitForHolder(
      { ...askable, target, clock, pauseMs: 0, patienceMs: NODE_LIMITS.holderNewsMs, giveUp },
      signal,
    );
  }

  /** An order of the mesh is no consent of this node's owner. Throws NodeError `consent_needed`. */
  #verifyConsent({ entry }: PullTarget): void {
    const { catalog } = this.#options;
    const asked = this.#options.unagreed(sourcesOf(this.#options, entry));
    if (asked.length === 0) return;
    const nodes = catalog.claimsOf(entry.sha256).flatMap((claim) => claim.nodes);
    const names = asked.map((source) => nodes.find((node) => node.nodeId === source)?.name ?? source);
    throw new NodeError(
      'consent_needed',
      `Fetching ${entry.model_id}: it would come from ${names.join(', ')}, whom the owner of this node has not agreed to`,
      { data: { sources: asked, names } },
    );
  }

  async #untilOver(transfer: Transfer, signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<never>();
    const onAbort = (): void => {
      if (!this.isClosing) transfer.cancel();
      stopped.reject(signal.reason);
    };
    stopped.promise.catch(() => {});
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await Promise.race([transfer.untilOver(), stopped.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>;
  };
}
