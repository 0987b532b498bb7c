/**
 * Two sockets become one connection: what either sends, the other gets. Spec: docs/spec/13-relay.md §5.
 * Owns both connections until both are closed.
 */
import type { Socket } from 'node:net';
import type { ByteGate, Clock } from '../core/index.ts';
import { OneWay } from './one-way.ts';
import { readInto } from './own-reads.ts';

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
  /** What may be in hand of each direction. */
  readonly bufferBytes: number;
  readonly clock: Clock;
  readonly onEnd: (summary: SpliceSummary) => void;
}

export interface SpliceSummary {
  readonly why: SpliceEnd;
  readonly toHolderBytes: number;
  readonly toAskerBytes: number;
}

type Direction = 'toHolder' | 'toAsker';

export class Splice {
  readonly #options: SpliceOptions;
  readonly #asker: Socket;
  readonly #holder: Socket;
  readonly #moved = { toHolder: 0, toAsker: 0 };
  #openSockets = 2;
  #why: SpliceEnd = 'ended';
  #lastMs: number;
  #cancelWatch = (): void => {};

  constructor(options: SpliceOptions) {
    this.#options = options;
    this.#lastMs = options.clock.monotonicMs();
    const toHolder = this.#oneWay('toHolder');
    const toAsker = this.#oneWay('toAsker');
    const asker = readInto(options.asker, toHolder);
    const holder = readInto(options.holder, toAsker);
    this.#asker = asker.socket;
    this.#holder = holder.socket;
    for (const socket of [asker.socket, holder.socket]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.end('broken'));
      socket.once('close', (hadError) => this.#onClose(hadError));
    }
    toHolder.connect(asker.socket, holder.socket, Buffer.concat([options.firstBytes, asker.rest]));
    toAsker.connect(holder.socket, asker.socket, holder.rest);
    this.#watch();
  }

  /** Both sockets close at once, with a reset: neither side may take it for a proper end. */
  end(why: SpliceEnd): void {
    if (this.#why === 'ended' && this.#openSockets > 0) this.#why = why;
    this.#asker.resetAndDestroy();
    this.#holder.resetAndDestroy();
  }

  /** Two blocks: where connections wait for each other, one that is alone in its member's queue has the next read there in time. */
  #oneWay(direction: Direction): OneWay {
    const { gate, bufferBytes } = this.#options;
    const blockBytes = Math.min(bufferBytes / 2, gate.sliceBytes ?? Number.POSITIVE_INFINITY);
    return new OneWay({ gate, blockBytes, count: (bytes) => this.#count(direction, bytes) });
  }

  #count(direction: Direction, bytes: number): boolean {
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
    const isWhole = !hadError && this.#asker.readableEnded && this.#holder.readableEnded;
    if (!isWhole) this.end('broken');
    if (this.#openSockets > 0) return;
    this.#cancelWatch();
    this.#options.onEnd({ why: this.#why, toHolderBytes: this.#moved.toHolder, toAskerBytes: this.#moved.toAsker });
  }
}
