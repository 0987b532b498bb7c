/**
 * All pulls of this node: one a content at a time, however many ask for it; cancelled by request or by model; taken up
 * again after a restart. Rows are written before a transfer moves a byte and at each change of state, so that a crash
 * at any line leaves a row that says what to go on with.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, Emitter, type Logger, messageOf, type NodeId, type RequestId } from '../../core/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { HolderView, PullTarget, TransferLog, TransferRow } from './ports.ts';
import type { PullModelDeps } from './pull-model.ts';
import { Transfer, type TransferSnapshot } from './transfer.ts';

export interface TransferServiceDeps extends PullModelDeps {
  readonly log: TransferLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface PullRequest {
  readonly target: PullTarget;
  /** Use this holder and no other. */
  readonly from?: NodeId | undefined;
}

export class TransferService {
  readonly events: Emitter<TransferSnapshot>;
  readonly #deps: TransferServiceDeps;
  readonly #transfers = new Map<RequestId, Transfer>();
  readonly #running = new Set<Promise<unknown>>();
  #isClosing = false;

  constructor(deps: TransferServiceDeps) {
    this.#deps = deps;
    this.events = new Emitter((thrown) => deps.logger.error({ err: thrown }, 'transfer listener failed'));
  }

  /** Starts a pull, or joins the one of the same content that is under way. Throws what the log throws; nothing runs then. */
  start(request: PullRequest): Transfer {
    const { entry } = request.target;
    const same = [...this.#transfers.values()].find((one) => !one.isOver && isSame(one.target, request.target));
    if (same !== undefined) return same;
    const transfer = new Transfer(randomUUID() as RequestId, request.target, this.#deps.clock);
    this.#record(transfer.snapshot(), request.from);
    this.#launch(transfer, request, () => this.#assertHolder(request, entry.model_id));
    return transfer;
  }

  /** Takes up what a restart interrupted; each waits until somebody who has the model is heard of. */
  resume(): void {
    for (const row of this.#deps.log.unfinished()) {
      const from = row.from as NodeId | undefined;
      const request = { target: { entry: row.entry }, from };
      const transfer = new Transfer(row.requestId as RequestId, request.target, this.#deps.clock);
      this.#launch(transfer, request, (signal) => this.#waitForHolder(request, signal));
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
    const transfer = this.#transfers.get(requestId);
    if (transfer === undefined)
      throw new NodeError('transfer_not_found', `Cancelling ${requestId}: no such transfer is running`);
    transfer.cancel();
    return transfer;
  }

  /** Cancels the pulls of one model and no other: says how many. */
  cancelByModel(modelId: string): number {
    const running = [...this.#transfers.values()].filter((one) => !one.isOver && one.target.entry.model_id === modelId);
    for (const transfer of running) transfer.cancel();
    return running.length;
  }

  /** Interrupts all; their rows stay unfinished, so that the next start goes on with them. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const transfer of this.#transfers.values()) transfer.cancel();
    await Promise.all(this.#running);
  }

  #launch(transfer: Transfer, request: PullRequest, ready: (signal: AbortSignal) => Promise<void>): void {
    this.#transfers.set(transfer.requestId, transfer);
    this.#forgetOldest();
    let lastState: string | undefined;
    transfer.events.on((snapshot) => {
      if (snapshot.state !== lastState) this.#tryRecord(snapshot, request.from);
      lastState = snapshot.state;
      this.events.emit(snapshot);
    });
    const view = narrowTo(this.#deps.view, request.from);
    const running = transfer.run({ ...this.#deps, view }, ready).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** A log that cannot be written, as on a full disk, must not keep watchers from the news. */
  #tryRecord(snapshot: TransferSnapshot, from: NodeId | undefined): void {
    try {
      this.#record(snapshot, from);
    } catch (thrown) {
      this.#deps.logger.error({ err: messageOf(thrown), requestId: snapshot.requestId }, 'a transfer is not logged');
    }
  }

  #record(snapshot: TransferSnapshot, from: NodeId | undefined): void {
    if (this.#isClosing && snapshot.state === 'Cancelled') return;
    this.#deps.log.put(toRow(snapshot, from, this.#deps.clock.nowMs()));
  }

  #forgetOldest(): void {
    for (const [requestId, transfer] of this.#transfers) {
      if (this.#transfers.size <= NODE_LIMITS.endedTransfersKept) return;
      if (transfer.isOver) this.#transfers.delete(requestId);
    }
  }

  async #assertHolder(request: PullRequest, modelId: string): Promise<void> {
    if (hasHolder(narrowTo(this.#deps.view, request.from), request.target)) return;
    const whom =
      request.from === undefined ? 'no node that has it can be reached now' : `${request.from} does not offer it now`;
    throw new NodeError('holder_offline', `Pulling ${modelId}: ${whom}`);
  }

  async #waitForHolder(request: PullRequest, signal: AbortSignal): Promise<void> {
    const { clock, view } = this.#deps;
    const narrowed = narrowTo(view, request.from);
    if (hasHolder(narrowed, request.target)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stopListening = view.onChange(() => {
      if (hasHolder(narrowed, request.target)) resolve();
    });
    const modelId = request.target.entry.model_id;
    const giveUp = (): void =>
      reject(new NodeError('holder_offline', `Going on with ${modelId}: nobody who has it was heard of`));
    const cancelTimer = clock.after(NODE_LIMITS.resumePatienceMs, giveUp);
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    try {
      await promise;
    } finally {
      stopListening();
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** Somebody offers the content, as the target describes it or otherwise. */
function hasHolder(view: HolderView, target: PullTarget): boolean {
  return [target, ...(view.otherClaims?.(target) ?? [])].some((claim) => view.holders(claim).length > 0);
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
  const { requestId, entry, state, bytesDownloaded, startedAtMs, path, error } = snapshot;
  return { requestId, entry, from, state, bytesDownloaded, startedAtMs, updatedAtMs: nowMs, path, error };
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
    peers: [],
    path: row.path,
    startedAtMs: row.startedAtMs,
    durationMs: row.updatedAtMs - row.startedAtMs,
    error: row.error,
    alreadyHere: false,
  };
}
