/**
 * Two sockets become one connection: what either sends, the other gets. Spec: docs/spec/13-relay.md §5.
 * Owns both sockets until both are closed. Of each direction at most two reads are in hand: the source is paused until the
 * gate let one through and the sink took it.
 */
import type { Socket } from 'node:net';
import type { ByteGate, Clock } from '../core/index.ts';

export type SpliceEnd = 'ended' | 'broken' | 'idle' | 'over_quota' | 'stopped';

export interface SpliceOptions {
  readonly asker: Socket;
  readonly holder: Socket;
  /** The asker's ClientHello: the first thing the holder gets. */
  readonly firstBytes: Buffer;
  readonly gate: ByteGate;
  /** Counts bytes; false ends the pair. */
  readonly spend: (bytes: number) => boolean;
  readonly idleMs: number;
  readonly clock: Clock;
  readonly onEnd: (summary: SpliceSummary) => void;
}

export interface SpliceSummary {
  readonly why: SpliceEnd;
  readonly toHolderBytes: number;
  readonly toAskerBytes: number;
}

/** So that a connection that is alone in its member's queue has the next one there when it is its turn. */
const READS_AHEAD = 2;

export class Splice {
  readonly #options: SpliceOptions;
  readonly #moved = { toHolder: 0, toAsker: 0 };
  #openSockets = 2;
  #why: SpliceEnd = 'ended';
  #lastMs: number;
  #cancelWatch = (): void => {};

  constructor(options: SpliceOptions) {
    this.#options = options;
    this.#lastMs = options.clock.monotonicMs();
    const { asker, holder } = options;
    for (const socket of [asker, holder]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.end('broken'));
      socket.once('close', (hadError) => this.#onClose(hadError));
    }
    this.#pass(asker, holder, 'toHolder');
    this.#pass(holder, asker, 'toAsker');
    this.#watch();
    asker.unshift(options.firstBytes);
    asker.resume();
    holder.resume();
  }

  /** Both sockets close at once, with a reset: neither side may take it for a proper end. */
  end(why: SpliceEnd): void {
    const { asker, holder } = this.#options;
    if (this.#why === 'ended' && this.#openSockets > 0) this.#why = why;
    asker.resetAndDestroy();
    holder.resetAndDestroy();
  }

  #pass(from: Socket, to: Socket, direction: 'toHolder' | 'toAsker'): void {
    const { gate } = this.#options;
    let waiting = 0;
    const hand = (chunk: Buffer): void => {
      if (!to.destroyed && !to.write(chunk)) from.pause();
    };
    from.on('data', (chunk: Buffer) => {
      if (!this.#count(direction, chunk.length)) return;
      const wait = gate.take(chunk.length);
      if (wait === undefined) return hand(chunk);
      waiting += 1;
      if (waiting >= READS_AHEAD) from.pause();
      void wait.then(() => {
        waiting -= 1;
        from.resume();
        hand(chunk);
        if (waiting === 0 && from.readableEnded) to.end();
      });
    });
    to.on('drain', () => {
      if (waiting < READS_AHEAD) from.resume();
    });
    // The end may come while the last bytes wait for their turn.
    from.once('end', () => void (waiting > 0 || to.end()));
  }

  #count(direction: 'toHolder' | 'toAsker', bytes: number): boolean {
    this.#moved[direction] += bytes;
    this.#lastMs = this.#options.clock.monotonicMs();
    if (this.#options.spend(bytes)) return true;
    this.end('over_quota');
    return false;
  }

  #watch(): void {
    const { clock, idleMs } = this.#options;
    const leftMs = this.#lastMs + idleMs - clock.monotonicMs();
    if (leftMs <= 0) this.end('idle');
    else this.#cancelWatch = clock.after(leftMs, () => this.#watch());
  }

  /** One that closed cleanly in both directions leaves the other to finish; a broken one takes it along. */
  #onClose(hadError: boolean): void {
    this.#openSockets -= 1;
    const { asker, holder, onEnd } = this.#options;
    const isWhole = !hadError && asker.readableEnded && holder.readableEnded;
    if (!isWhole) this.end('broken');
    if (this.#openSockets > 0) return;
    this.#cancelWatch();
    onEnd({ why: this.#why, toHolderBytes: this.#moved.toHolder, toAskerBytes: this.#moved.toAsker });
  }
}
