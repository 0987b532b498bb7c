/**
 * All pulls of this node: one a content at a time, however many ask for it; cancelled by request or by model; taken up
 * again after a restart. Rows are written before a transfer moves a byte and at each change of state, so that a crash
 * at any line leaves a row that says what to go on with.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, Emitter, type Logger, messageOf, type NodeId, type RequestId } from '../../core/index.ts';
import type { TransferWish } from '../../transfer/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { FetchBook } from './fetch-book.ts';
import { isAskable } from './holder-wait.ts';
import { mirrorWarnings } from './mirror-warnings.ts';
import type { HolderView, PullRates, PullTarget, TransferLog, TransferRow } from './ports.ts';
import type { PullModelDeps } from './pull-model.ts';
import { type Ready, Transfer } from './transfer.ts';
import { isEnded, type TransferSnapshot } from './transfer-snapshot.ts';

export interface TransferServiceDeps extends PullModelDeps {
  readonly log: TransferLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Without it nothing is held back. */
  readonly rates?: PullRates;
  /** Where others are told what is on its way, paused or not, to get it from here meanwhile. */
  readonly fetching?: FetchBook;
}

export interface PullRequest {
  readonly target: PullTarget;
  /** Use this holder and no other. */
  readonly from?: NodeId | undefined;
  readonly wish?: TransferWish | undefined;
}

export class TransferService {
  readonly events: Emitter<TransferSnapshot>;
  readonly #deps: TransferServiceDeps;
  readonly #transfers = new Map<RequestId, Transfer>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #from = new Map<RequestId, NodeId | undefined>();
  #isClosing = false;

  constructor(deps: TransferServiceDeps) {
    this.#deps = deps;
    this.events = new Emitter((thrown) => deps.logger.error({ err: thrown }, 'transfer listener failed'));
  }

  /** Starts a pull, or joins the one of the same content that is under way. Throws what the log throws; nothing runs then. */
  start(request: PullRequest): Transfer {
    const { entry } = request.target;
    const same = [...this.#transfers.values()].find((one) => !one.isOver && isSame(one.target, request.target));
    if (same !== undefined) {
      if (request.wish !== undefined) this.wish(same.requestId, request.wish);
      return same;
    }
    const past = request.wish === undefined ? {} : { wish: request.wish };
    const transfer = new Transfer(randomUUID() as RequestId, request.target, this.#deps.clock, past);
    this.#record(transfer, request.from);
    this.#launch(transfer, request, () => this.#assertHolder(request, entry.model_id));
    return transfer;
  }

  /** Takes up what a restart interrupted; each waits until somebody who has the model is heard of, a paused one for its user. */
  resume(): void {
    for (const row of this.#deps.log.unfinished()) {
      const from = row.from as NodeId | undefined;
      const request = { target: { entry: row.entry, difference: row.difference }, from };
      const { startedAtMs, bytesDownloaded, peers = [], wish = {} } = row;
      const past = { isPaused: row.state === 'Paused', wish, startedAtMs, bytesDownloaded, peers };
      const transfer = new Transfer(row.requestId as RequestId, request.target, this.#deps.clock, past);
      const askable = { view: narrowTo(this.#deps.view, from), pieceHashes: this.#deps.pieceHashes };
      this.#launch(transfer, request, (signal) => transfer.awaitHolder(askable, signal));
    }
  }

  get(requestId: RequestId): Transfer | undefined {
    return this.#transfers.get(requestId);
  }

  /** Newest first: those of this run, then what the log remembers. */
  list(): TransferSnapshot[] {
    const current = [...this.#transfers.values()].map((transfer) => transfer.snapshot());
    const past = this.#deps.log.list().filter((row) => !this.#transfers.has(row.requestId as RequestId));
    return [...current, ...past.map(toSnapshot)].sort((a, b) => b.startedAtMs - a.startedAtMs);
  }

  /** Throws NodeError `transfer_not_found`. */
  cancel(requestId: RequestId): Transfer {
    const transfer = this.#known(requestId, 'Cancelling');
    transfer.cancel();
    return transfer;
  }

  /** Resolves when nothing of it moves. Without an id: all that run. Throws NodeError `transfer_not_found`, `transfer_ended`. */
  async pause(requestId?: RequestId): Promise<Transfer[]> {
    const meant = requestId === undefined ? this.#unended() : [this.#unfinished(requestId, 'Pausing')];
    await Promise.all(meant.map((transfer) => transfer.pause()));
    return meant;
  }

  /** Lets paused ones go on. Without an id: all. Throws NodeError `transfer_not_found`, `transfer_ended`. */
  goOn(requestId?: RequestId): Transfer[] {
    const meant = requestId === undefined ? this.#unended() : [this.#unfinished(requestId, 'Resuming')];
    for (const transfer of meant) transfer.resume();
    return meant;
  }

  /** Priority and limits of one transfer; what is undefined stays. Throws NodeError `transfer_not_found`, `transfer_ended`. */
  wish(requestId: RequestId, wish: TransferWish): Transfer {
    const transfer = this.#unfinished(requestId, 'Limiting');
    transfer.wish = { ...transfer.wish, ...wish };
    this.#deps.rates?.setWish(requestId, transfer.wish);
    this.#record(transfer, this.#from.get(requestId));
    return transfer;
  }

  #known(requestId: RequestId, doing: string): Transfer {
    const transfer = this.#transfers.get(requestId);
    if (transfer !== undefined) return transfer;
    throw new NodeError('transfer_not_found', `${doing} ${requestId}: no such transfer is running`);
  }

  #unfinished(requestId: RequestId, doing: string): Transfer {
    const transfer = this.#known(requestId, doing);
    if (!transfer.isOver) return transfer;
    throw new NodeError('transfer_ended', `${doing} ${requestId}: it is ${transfer.snapshot().state.toLowerCase()}`);
  }

  #unended(): Transfer[] {
    return [...this.#transfers.values()].filter(({ isOver }) => !isOver);
  }

  /** Cancels the pulls of one model and no other: says how many. */
  cancelByModel(modelId: string): number {
    const running = [...this.#transfers.values()].filter((one) => !one.isOver && one.target.entry.model_id === modelId);
    for (const transfer of running) transfer.cancel();
    return running.length;
  }

  /** From now on whatever is interrupted is to be gone on with at the next start, also what is interrupted by others that close. */
  beginClose(): void {
    this.#isClosing = true;
  }

  /** Interrupts all; their rows stay unfinished, so that the next start goes on with them. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const transfer of this.#transfers.values()) transfer.cancel();
    await Promise.all(this.#running);
  }

  #launch(transfer: Transfer, request: PullRequest, ready: Ready): void {
    const { requestId } = transfer;
    this.#transfers.set(requestId, transfer);
    this.#from.set(requestId, request.from);
    this.#deps.rates?.setWish(requestId, transfer.wish);
    this.#forgetOldest();
    let lastState: string | undefined;
    const warn = mirrorWarnings(this.#deps.logger);
    transfer.events.on((snapshot) => {
      warn(snapshot);
      if (snapshot.state !== lastState) this.#tryRecord(transfer, request.from);
      lastState = snapshot.state;
      if (isEnded(snapshot.state)) this.#deps.rates?.forget(requestId);
      this.events.emit(snapshot);
    });
    const view = narrowTo(this.#deps.view, request.from);
    const fetched = this.#deps.fetching?.begin(transfer.target.entry.sha256, transfer.target.entry.model_id);
    const told = fetched === undefined ? {} : { fetched };
    const running = transfer.run({ ...this.#deps, view, ...told, ...this.#gateOf(transfer) }, ready);
    const kept = running.finally(() => {
      fetched?.[Symbol.dispose]();
      this.#running.delete(kept);
    });
    this.#running.add(kept);
  }

  #gateOf({ requestId, target }: Transfer): Pick<PullModelDeps, 'gateFor' | 'rateLimit'> {
    const { rates } = this.#deps;
    if (rates === undefined) return {};
    const sizeBytes = target.entry.size_bytes;
    return {
      gateFor: (sha256, source) => rates.gate({ requestId, sha256, sizeBytes }, source),
      rateLimit: () => rates.downloadRateOf?.(requestId, sizeBytes) ?? Number.POSITIVE_INFINITY,
    };
  }

  /** A log that cannot be written, as on a full disk, must not keep watchers from the news. */
  #tryRecord(transfer: Transfer, from: NodeId | undefined): void {
    try {
      this.#record(transfer, from);
    } catch (thrown) {
      const { requestId } = transfer;
      this.#deps.logger.error({ err: messageOf(thrown), requestId }, 'a transfer is not logged');
    }
  }

  #record(transfer: Transfer, from: NodeId | undefined): void {
    const snapshot = transfer.snapshot();
    const isInterrupted = snapshot.state === 'Cancelled' || snapshot.error?.kind === 'cancelled';
    if (this.#isClosing && isInterrupted) return;
    const { difference } = transfer.target;
    this.#deps.log.put({ ...toRow(snapshot, from, this.#deps.clock.nowMs()), difference });
  }

  #forgetOldest(): void {
    for (const [requestId, transfer] of this.#transfers) {
      if (this.#transfers.size <= NODE_LIMITS.endedTransfersKept) return;
      if (!transfer.isOver) continue;
      this.#transfers.delete(requestId);
      this.#from.delete(requestId);
    }
  }

  async #assertHolder(request: PullRequest, modelId: string): Promise<void> {
    const askable = { view: narrowTo(this.#deps.view, request.from), pieceHashes: this.#deps.pieceHashes };
    if (isAskable(askable, request.target)) return;
    const whom =
      request.from === undefined ? 'no node that has it can be reached now' : `${request.from} does not offer it now`;
    throw new NodeError('holder_offline', `Pulling ${modelId}: ${whom}`);
  }
}

/** The same view with one holder only. */
function narrowTo(view: HolderView, from: NodeId | undefined): HolderView {
  if (from === undefined) return view;
  return {
    holders: (target) => view.holders(target, from),
    onChange: (listener) => view.onChange(listener),
    sourceFor: (holder, blob) => view.sourceFor(holder, blob),
    report: (outcomes) => view.report(outcomes),
  };
}

function isSame(one: PullTarget, other: PullTarget): boolean {
  const [a, b] = [one.entry, other.entry];
  return a.sha256 === b.sha256 && a.model_id === b.model_id && a.version === b.version;
}

function toRow(snapshot: TransferSnapshot, from: NodeId | undefined, nowMs: number): TransferRow {
  const {
    requestId,
    entry,
    state,
    bytesDownloaded,
    startedAtMs,
    path,
    error,
    wish,
    peers,
    difference: saved,
  } = snapshot;
  const facts = { requestId, entry, from, state, bytesDownloaded, startedAtMs, updatedAtMs: nowMs, path, error };
  return { ...facts, wish, peers, saved };
}

function toSnapshot(row: TransferRow): TransferSnapshot {
  return {
    requestId: row.requestId as RequestId,
    entry: row.entry,
    state: row.state,
    bytesDownloaded: row.bytesDownloaded,
    totalBytes: row.entry.size_bytes,
    rateBytesPerSecond: 0,
    etaSeconds: null,
    peers: row.peers ?? [],
    mirrors: [],
    waiting: undefined,
    wish: row.wish ?? {},
    difference: row.saved,
    path: row.path,
    startedAtMs: row.startedAtMs,
    durationMs: row.updatedAtMs - row.startedAtMs,
    error: row.error,
    alreadyHere: false,
  };
}
