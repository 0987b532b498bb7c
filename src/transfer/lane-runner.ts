/**
 * Carries out the planner's orders on one lane: asks for runs, several at once where the lane can, and passes what comes to
 * its intake. A lane that ends, however it does, is reported only when none of its writes is under way any more.
 * Spec: docs/spec/10-transfer.md §4, §5.
 */
import { type PieceList, pieceRange } from '../content/index.ts';
import type { ByteGate, Clock } from '../core/index.ts';
import { TransferError, toTransferError } from './errors.ts';
import type { OrderedDigest } from './ordered-digest.ts';
import { both, PieceIntake } from './piece-intake.ts';
import type { CloseReason, PlanEvent } from './plan/plan-events.ts';
import type { Lane, PieceSink, PieceSource } from './ports.ts';
import type { SourceStats } from './source-stats.ts';
import type { Span } from './spans.ts';

export interface LaneContext {
  readonly list: PieceList;
  readonly sink: PieceSink;
  readonly digest: OrderedDigest;
  readonly clock: Clock;
  /** Lets received bytes through at the rate somebody decided. */
  readonly gate?: ((source: PieceSource) => ByteGate) | undefined;
  /** Tells the planner. */
  readonly tell: (event: PlanEvent) => void;
  readonly onPiece: (index: number) => void;
  readonly onFailure: (sourceId: string, error: TransferError) => void;
  /** The disk failed: that ends the whole download. */
  readonly onSinkError: (error: unknown) => void;
}

/** One request: the pieces [first, end), of which the bytes before `position` have come. */
interface Run {
  readonly first: number;
  end: number;
  position: number;
  readonly askedAtMs: number;
}

export class LaneRunner {
  readonly id: number;
  readonly #source: PieceSource;
  readonly #stats: SourceStats;
  readonly #context: LaneContext;
  readonly #gate: ByteGate | undefined;
  readonly #intake: PieceIntake;
  readonly #abort = new AbortController();
  /** In the order asked; the first is being received. */
  readonly #runs: Run[] = [];
  #lane: Lane | undefined;
  #opening: Promise<void> | undefined;
  /** Nothing more is asked of it: what was given back was asked already. */
  #isShortened = false;
  #hasOpened = false;
  #closeReason: CloseReason | 'cancelled' | undefined;
  #end: Promise<void> | undefined;
  /** Bytes since it was idle last, and whether it was idle while open before that. */
  #busyBytes = 0;
  #wasIdle = false;
  #busySinceMs = 0;
  #tickBytes = 0;
  /** Of the lane that is open, at the last tick. */
  #arrivedBefore = 0;
  /** Chunks that our own gate holds up. */
  #heldChunks = 0;

  constructor(id: number, source: PieceSource, stats: SourceStats, context: LaneContext) {
    this.id = id;
    this.#source = source;
    this.#stats = stats;
    this.#context = context;
    this.#gate = context.gate?.(source);
    this.#intake = new PieceIntake(source.id, stats, {
      ...context,
      onDone: (index) => {
        context.tell({ on: 'piece_done', laneId: id, index });
        this.#endIfShort();
      },
      onSinkError: (error) => {
        // Our disk is not the peer's fault: the lane ends without blame.
        this.#closeReason ??= 'cancelled';
        context.onSinkError(error);
      },
    });
  }

  /** Bytes since the last call. */
  takeReceived(): number {
    const arrived = this.#lane?.arrivedBytes;
    const bytes = arrived === undefined ? this.#tickBytes : arrived - this.#arrivedBefore;
    this.#arrivedBefore = arrived ?? 0;
    this.#tickBytes = 0;
    return bytes;
  }

  /** Our own gate holds its bytes up. */
  get isHeld(): boolean {
    return this.#heldChunks > 0;
  }

  read(span: Span): void {
    if (this.#end !== undefined) return;
    const { list, clock } = this.#context;
    if (this.#runs.length === 0) this.#becomeBusy();
    const run = { ...span, position: pieceRange(list.layout, span.first).start, askedAtMs: clock.monotonicMs() };
    this.#runs.push(run);
    if (this.#lane === undefined) this.#opening ??= this.#open();
    else this.#ask(this.#lane, run);
  }

  /** The pieces from `end` of the last run on are not ours any more; a request that was sent cannot be cut, so the lane closes there. */
  shorten(end: number): void {
    const run = this.#runs.at(-1);
    if (run === undefined) return;
    if (end <= run.first) this.#runs.pop();
    else run.end = end;
    this.#isShortened = this.#hasOpened;
    this.#endIfShort();
  }

  /** Resolves when nothing of it is under way. The end is told to the planner too. */
  async close(reason: CloseReason | 'cancelled'): Promise<void> {
    this.#closeReason ??= reason;
    this.#fail(new TransferError('cancelled', 'Reading from a peer: the lane was closed'));
    await this.#end;
  }

  #becomeBusy(): void {
    this.#busySinceMs = this.#context.clock.monotonicMs();
    this.#busyBytes = 0;
    this.#wasIdle = this.#lane !== undefined;
  }

  async #open(): Promise<void> {
    const { clock, tell } = this.#context;
    const startedAtMs = clock.monotonicMs();
    try {
      const lane = await this.#source.openLane(this.#abort.signal);
      if (this.#end !== undefined) return lane.close();
      this.#lane = lane;
      this.#arrivedBefore = 0;
      this.#hasOpened = true;
      this.#opening = undefined;
      const { depth = 1, roundTripMs = clock.monotonicMs() - startedAtMs } = lane;
      for (const run of this.#runs) this.#ask(lane, run);
      tell({ on: 'lane_opened', laneId: this.id, roundTripMs, depth });
    } catch (error) {
      this.#fail(error);
    }
  }

  #ask(lane: Lane, run: Run): void {
    const { layout } = this.#context.list;
    const range = { start: run.position, end: pieceRange(layout, run.end - 1).end };
    const reading = new Promise<void>((resolve) => {
      resolve(lane.read(range, (bytes) => this.#receive(run, bytes), this.#abort.signal));
    });
    reading.then(
      () => this.#endRun(run, lane),
      (error: unknown) => {
        if (lane !== this.#lane) return;
        if (lane.isUsable === true && error instanceof TransferError && error.code === 'peer_busy')
          this.#giveUpRun(run, error);
        // Those behind the one that broke break with it.
        else this.#break(error);
      },
    );
  }

  /** The peer has no room for it now: that is no failure, and the lane goes on. */
  #giveUpRun(run: Run, { retryAfterMs = 0 }: TransferError): void {
    if (this.#runs[0] !== run || this.#end !== undefined) return;
    this.#runs.shift();
    if (this.#runs.length === 0) this.#noteRead();
    this.#context.tell({ on: 'run_refused', laneId: this.id, retryAfterMs });
    this.#endIfShort();
  }

  #endRun(run: Run, lane: Lane): void {
    if (lane !== this.#lane || this.#runs[0] !== run || this.#end !== undefined) return;
    this.#runs.shift();
    if (this.#runs.length === 0) this.#noteRead();
    this.#context.tell({ on: 'run_done', laneId: this.id });
    this.#endIfShort();
  }

  /** Bytes of a later run: all of the ones before have come, though they may still be on their way to the disk. */
  #endRunsBefore(run: Run): void {
    while (this.#runs.length > 1 && this.#runs[0] !== run && this.#runs.includes(run)) {
      this.#runs.shift();
      this.#context.tell({ on: 'run_done', laneId: this.id });
    }
  }

  /** An idle connection may have been closed by its server meanwhile: that is no failure, a new one is opened. */
  #break(error: unknown): void {
    const isStale = this.#wasIdle && this.#busyBytes === 0 && toTransferError(error, '').code === 'peer_unreachable';
    if (isStale && this.#end === undefined) {
      this.#wasIdle = false;
      this.#lane?.close();
      this.#lane = undefined;
      this.#opening = this.#open();
    } else this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#end ??= this.#finish(toTransferError(error, 'Reading from a peer'));
  }

  /** An error that is our own doing is not the peer's; everything else is. */
  async #finish(failure: TransferError): Promise<void> {
    const { tell, onFailure } = this.#context;
    this.#abort.abort();
    this.#lane?.close();
    await this.#opening;
    await this.#intake.end();
    if (this.#runs.length > 0) this.#noteRead();
    const isOurs = this.#closeReason !== undefined && this.#closeReason !== 'peer_stalled';
    if (isOurs || (this.#isShortened && this.#runs.length === 0)) {
      tell({ on: 'lane_closed', laneId: this.id });
      return;
    }
    const error = this.#closeReason === 'peer_stalled' ? stalled() : failure;
    onFailure(this.#source.id, error);
    const { code, retryAfterMs } = error;
    tell({ on: 'lane_failed', laneId: this.id, code, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }

  #noteRead(): void {
    this.#stats.addRead(this.#busyBytes, this.#context.clock.monotonicMs() - this.#busySinceMs);
  }

  /** The end that a shortening left: between two pieces, when all that is still wanted has come. */
  #endIfShort(): void {
    if (!this.#isShortened || this.#end !== undefined) return;
    const { layout } = this.#context.list;
    const run = this.#runs[0];
    const isOver = run === undefined || run.position >= pieceRange(layout, run.end - 1).end;
    if (!isOver || this.#runs.length > 1) return;
    this.#runs.length = 0;
    this.#noteRead();
    this.#fail(new TransferError('cancelled', 'Reading from a peer: the rest is asked of another'));
  }

  #receive(run: Run, bytes: Buffer): void | Promise<void> {
    if (this.#runs[0] !== run) this.#endRunsBefore(run);
    if (this.#end !== undefined) throw new TransferError('cancelled', 'Reading from a peer: the lane has ended');
    if (run.position === pieceRange(this.#context.list.layout, run.first).start && this.#busyBytes === 0)
      this.#stats.addFirstByte(this.#context.clock.monotonicMs() - run.askedAtMs);
    this.#busyBytes += bytes.length;
    this.#tickBytes += bytes.length;
    const position = run.position;
    run.position += bytes.length;
    const taken = this.#intake.take(bytes, position);
    const passing = this.#gate?.take(bytes.length, this.#abort.signal);
    return passing === undefined ? taken : both(taken, this.#hold(passing));
  }

  /** Until it is let through the buffer stays with us, and the socket is read no further. */
  async #hold(passing: Promise<void>): Promise<void> {
    this.#heldChunks += 1;
    try {
      await passing;
    } finally {
      this.#heldChunks -= 1;
    }
  }
}

function stalled(): TransferError {
  return new TransferError('peer_stalled', 'Reading from a peer: it has sent next to nothing for too long');
}
