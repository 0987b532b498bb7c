/**
 * One download of one blob: planner, lanes, digest and sink brought together.
 * Owns the sink from `run` on: finishes it when the whole digest is right, discards it when it is not though every
 * piece was, and closes it (the part stays) in every other case. When `run` has settled, no socket, timer or write
 * of it is left, and no thread reads its bytes. Spec: docs/spec/10-transfer.md.
 */
import { Bitfield, type PieceLayout, type PieceList, pieceLayout, pieceRange } from '../content/index.ts';
import { type Clock, Emitter, type Random, systemClock, systemRandom } from '../core/index.ts';
import { checkHeldPieces } from './check-held.ts';
import type { DownloadOptions, DownloadResult } from './download-options.ts';
import { TransferError } from './errors.ts';
import type { LaneContext } from './lane-runner.ts';
import { TRANSFER_LIMITS, type TransferLimits } from './limits.ts';
import { obtainPieceList } from './obtain-piece-list.ts';
import { OrderedDigest } from './ordered-digest.ts';
import { startPlan } from './plan/planner.ts';
import { PlanDriver } from './plan-driver.ts';
import type { PieceSource } from './ports.ts';
import { type DownloadEvent, type DownloadProgress, type DownloadState, RateMeter } from './progress.ts';
import { SourceBook } from './source-book.ts';
import { spansOfMissing } from './spans.ts';
import { openWholeHash, type WholeHash } from './whole-hash.ts';

/** Gets the blob into the sink. Throws TransferError, or what the sink threw. */
export function download<Done>(options: DownloadOptions<Done>, signal: AbortSignal): Promise<DownloadResult<Done>> {
  return new Download(options).run(signal);
}

export class Download<Done = unknown> {
  readonly #options: DownloadOptions<Done>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #limits: TransferLimits;
  readonly #layout: PieceLayout;
  readonly #events = new Emitter<DownloadEvent>();
  readonly #sources: SourceBook;
  readonly #stop = new AbortController();
  /** Every piece is verified. */
  readonly #complete = Promise.withResolvers<void>();
  /** Cancelled, no source left, or the disk failed: the first of these. */
  readonly #failed = Promise.withResolvers<never>();
  readonly #meter: RateMeter;
  #hash: WholeHash | undefined;
  #digest: OrderedDigest | undefined;
  #state: DownloadState = 'pending';
  #driver: PlanDriver | undefined;
  #checks: Promise<void> = Promise.resolve();
  readonly #held: Bitfield;
  #heldBytes = 0;
  #verifiedBytes = 0;
  #cancelTick = (): void => {};

  constructor(options: DownloadOptions<Done>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#limits = { ...TRANSFER_LIMITS, ...options.limits };
    this.#layout = pieceLayout(options.blob.sizeBytes);
    this.#held = new Bitfield(this.#layout.pieceCount);
    this.#sources = new SourceBook(this.#limits.bookedSources);
    this.#meter = new RateMeter(this.#clock.monotonicMs());
    this.#failed.promise.catch(() => {});
    for (const source of options.sources) this.addSource(source);
  }

  on(listener: (event: DownloadEvent) => void): () => void {
    return this.#events.on(listener);
  }

  /** Before or during the run. A second one of the same id is ignored, unless the first did not have the blob. */
  addSource(port: PieceSource): void {
    if (this.#sources.add(port)) this.#driver?.addSource(port);
  }

  /** Asks it for nothing more; what it has done stays in the result. */
  removeSource(id: string): void {
    this.#driver?.tell({ on: 'source_removed', sourceId: id });
  }

  /** The pieces that are verified and written, bits as they travel: what can be served to others. */
  heldBits(): Uint8Array {
    return this.#held.toBytes();
  }

  progress(): DownloadProgress {
    const { sizeBytes } = this.#options.blob;
    const rate = this.#meter.bytesPerSecond;
    return {
      state: this.#state,
      sizeBytes,
      verifiedBytes: this.#verifiedBytes,
      receivedBytes: this.#verifiedBytes - this.#heldBytes,
      hashedBytes: this.#digest?.hashedBytes ?? 0,
      rateBytesPerSecond: rate,
      etaMs: rate > 0 ? ((sizeBytes - this.#verifiedBytes) * 1000) / rate : undefined,
      sources: this.#sources.outcomes(),
    };
  }

  /** Once. Throws TransferError, or what the sink threw. */
  async run(signal: AbortSignal): Promise<DownloadResult<Done>> {
    const startedAtMs = this.#clock.monotonicMs();
    const onAbort = (): void => this.#failed.reject(cancelled());
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    try {
      const done = await this.#runToEnd();
      const durationMs = this.#clock.monotonicMs() - startedAtMs;
      this.#setState('completed');
      return {
        done,
        durationMs,
        receivedBytes: this.#verifiedBytes - this.#heldBytes,
        sources: this.#sources.outcomes(),
      };
    } catch (error) {
      await this.#leave(error);
      this.#setState(error instanceof TransferError && error.code === 'cancelled' ? 'cancelled' : 'failed');
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #runToEnd(): Promise<Done> {
    const failed = this.#failed.promise;
    const list = await Promise.race([this.#getPieceList(), failed]);
    const digest = this.#start(list);
    await Promise.race([this.#complete.promise, failed]);
    this.#setState('verifying');
    const sha256 = await Promise.race([digest.result, failed]);
    await this.#quiet();
    // A write that failed after its piece was verified.
    await Promise.race([failed, Promise.resolve()]);
    if (sha256 !== this.#options.blob.sha256) throw this.#lied(sha256);
    return this.#options.sink.finish();
  }

  #getPieceList(): Promise<PieceList> {
    const { blob, pieceHashes, onPieceHashes } = this.#options;
    const wanted = {
      blob,
      kept: pieceHashes,
      onFetched: onPieceHashes,
      sources: this.#sources,
      clock: this.#clock,
      random: this.#random,
      limits: this.#limits,
      onFailure: (id: string, error: TransferError): void => this.#noteFailure(id, error),
    };
    return obtainPieceList(wanted, this.#stop.signal);
  }

  #start(list: PieceList): OrderedDigest {
    const { sink, blob } = this.#options;
    const held = new Bitfield(this.#layout.pieceCount, sink.heldPieces);
    this.#hash = openWholeHash(blob.sizeBytes);
    this.#digest = new OrderedDigest(this.#layout, sink, this.#hash);
    this.#driver = this.#makeDriver(list, held, this.#digest);
    this.#setState('downloading');
    this.#addKnownSources(this.#driver);
    this.#takeHeld(list, held);
    this.#digest.advance();
    this.#tick();
    return this.#digest;
  }

  #makeDriver(list: PieceList, held: Bitfield, digest: OrderedDigest): PlanDriver {
    const { sink } = this.#options;
    const { pieceCount, pieceBytes } = this.#layout;
    const plan = startPlan({
      pieceCount,
      pieceBytes,
      missing: spansOfMissing(held.length, (index) => held.has(index)),
      checking: sink.heldPiecesUnsure ? held.count : 0,
      limits: this.#limits,
      nowMs: this.#clock.monotonicMs(),
    });
    const options = {
      plan,
      sources: this.#sources,
      lanes: this.#lanesInto(list, digest),
      clock: this.#clock,
      random: this.#random,
      onComplete: () => this.#complete.resolve(),
      onNoSources: () => this.#failed.reject(this.#sources.noSources()),
    };
    return new PlanDriver(options, this.#stop.signal);
  }

  /** Who lied about the piece list is not asked for pieces; what costs more is known last. */
  #addKnownSources(driver: PlanDriver): void {
    const honest = this.#sources.all().filter(({ lastError }) => lastError?.code !== 'bad_piece');
    for (const { port } of honest.sort((a, b) => (a.port.tier ?? 0) - (b.port.tier ?? 0))) driver.addSource(port);
  }

  /** What the journal vouches for counts at once; what it does not is checked while other pieces come. */
  #takeHeld(list: PieceList, held: Bitfield): void {
    const { sink } = this.#options;
    const indexes = Array.from({ length: held.length }, (_, index) => index).filter((index) => held.has(index));
    if (!sink.heldPiecesUnsure) {
      for (const index of indexes) this.#keepHeld(index);
      return;
    }
    const report = (index: number, ok: boolean): void => {
      if (ok) this.#keepHeld(index);
      this.#driver?.tell({ on: 'piece_checked', index, ok });
    };
    const checks = checkHeldPieces(list, sink, indexes, report, this.#stop.signal);
    this.#checks = checks.catch(this.#failed.reject);
  }

  #keepHeld(index: number): void {
    const { start, end } = pieceRange(this.#layout, index);
    this.#heldBytes += end - start;
    this.#verifiedBytes += end - start;
    this.#held.add(index);
    this.#digest?.addPiece(index);
  }

  #lanesInto(list: PieceList, digest: OrderedDigest): Omit<LaneContext, 'tell'> {
    const onPiece = (index: number): void => {
      const { start, end } = pieceRange(this.#layout, index);
      this.#verifiedBytes += end - start;
      this.#held.add(index);
      this.#events.emit({ on: 'piece', index });
    };
    const onSinkError = this.#failed.reject;
    const { sink, gate } = this.#options;
    digest.result.catch(onSinkError);
    const onFailure = (sourceId: string, error: TransferError): void => this.#noteFailure(sourceId, error);
    return { list, sink, digest, clock: this.#clock, gate, onPiece, onFailure, onSinkError };
  }

  #tick(): void {
    const { received, held } = this.#driver?.takeReceived() ?? {};
    const bytes = [...(received?.values() ?? [])].reduce((sum, each) => sum + each, 0);
    this.#meter.add(bytes, this.#clock.monotonicMs());
    if (received !== undefined) this.#driver?.tell({ on: 'tick', received, ...(held?.size ? { held } : {}) });
    this.#events.emit({ on: 'progress', progress: this.progress() });
    this.#cancelTick = this.#clock.after(this.#limits.tickMs, () => this.#tick());
  }

  #noteFailure(sourceId: string, error: TransferError): void {
    this.#sources.noteFailure(sourceId, error);
    this.#events.emit({ on: 'source_failed', sourceId, code: error.code });
  }

  /** Stops everything that moves and waits until it has. */
  async #quiet(): Promise<void> {
    this.#cancelTick();
    this.#stop.abort();
    await this.#driver?.close();
    await Promise.all([this.#checks, this.#digest?.stop()]);
    await this.#hash?.close();
  }

  /** The part stays for the next run, unless its content is a proven lie. */
  async #leave(error: unknown): Promise<void> {
    await this.#quiet();
    const isLie = error instanceof TransferError && error.code === 'digest_mismatch';
    const { sink } = this.#options;
    // Why it failed counts more than that closing failed as well.
    await (isLie ? sink.discard() : sink.close()).catch(() => {});
  }

  #setState(state: DownloadState): void {
    this.#state = state;
    this.#events.emit({ on: 'state', state });
  }

  #lied(digest: string): TransferError {
    const { sha256, signers = [] } = this.#options.blob;
    const message = `Checking the whole: SHA-256 ${digest}, signed was ${sha256}, though every piece fits`;
    return new TransferError('digest_mismatch', message, { data: { computed: digest, sha256, signers } });
  }
}

function cancelled(): TransferError {
  return new TransferError('cancelled', 'Downloading: cancelled');
}
