/**
 * What waits for one socket: a queue for each transfer, served in turn, so that none of them keeps the others waiting.
 * Spec: docs/spec/14-websocket.md §6.
 */
import type { ByteGate } from '../core/index.ts';

/** A WebSocket as the relay needs it. */
export interface RelaySocket {
  /** Calls back when the bytes left this process, or never will. */
  send(message: string | Buffer, onWritten: () => void): void;
}

/** What a message takes in memory while it waits, however short it is. */
export function costOf(message: string | Buffer): number {
  return Math.max(message.length, LEAST_COST_BYTES);
}

const LEAST_COST_BYTES = 512;

/** A short one that came may be part of a large read, which it would keep from being let go of. */
function ownCopy(message: string | Buffer): string | Buffer {
  return typeof message !== 'string' && message.length < LEAST_COST_BYTES ? Buffer.from(message) : message;
}

export class WsQueue {
  readonly #messages: (string | Buffer)[] = [];
  bytes = 0;
  readonly gate: ByteGate;

  constructor(gate: ByteGate) {
    this.gate = gate;
  }

  push(message: string | Buffer): void {
    this.#messages.push(ownCopy(message));
    this.bytes += costOf(message);
  }

  first(): string | Buffer | undefined {
    return this.#messages[0];
  }

  shift(): void {
    const message = this.#messages.shift();
    if (message !== undefined) this.bytes -= costOf(message);
  }

  /** Returns how many bytes were forgotten. */
  clear(): number {
    const forgotten = this.bytes;
    this.#messages.length = 0;
    this.bytes = 0;
    return forgotten;
  }
}

export class WsOutlet {
  readonly #socket: RelaySocket;
  readonly #maxUnwritten: number;
  /** Told of bytes that wait no more. */
  readonly #onLeft: (bytes: number) => void;
  /** Those with something to send, the next in turn first. */
  readonly #ring: WsQueue[] = [];
  #unwritten = 0;
  #isClosed = false;

  constructor(socket: RelaySocket, maxUnwritten: number, onLeft: (bytes: number) => void) {
    this.#socket = socket;
    this.#maxUnwritten = maxUnwritten;
    this.#onLeft = onLeft;
  }

  push(queue: WsQueue, message: string | Buffer): void {
    const wasEmpty = queue.first() === undefined;
    queue.push(message);
    if (!wasEmpty) return;
    this.#ring.push(queue);
    this.#serve();
  }

  /** What waited is forgotten. */
  close(): void {
    this.#isClosed = true;
    for (const queue of this.#ring.splice(0)) this.#onLeft(queue.clear());
  }

  #serve(): void {
    while (!this.#isClosed && this.#unwritten < this.#maxUnwritten) {
      const queue = this.#ring.shift();
      if (queue === undefined) return;
      const message = queue.first();
      // Cleared while it was in the ring.
      if (message === undefined) continue;
      const waiting = queue.gate.take(message.length);
      if (waiting === undefined) this.#send(queue, message);
      else this.#sendAfter(waiting, queue);
    }
  }

  #sendAfter(waiting: Promise<void>, queue: WsQueue): void {
    const go = (): void => {
      // While it waited for the gate it was not in the ring, where closing would have found it.
      if (this.#isClosed) this.#onLeft(queue.clear());
      const message = queue.first();
      if (message !== undefined) this.#send(queue, message);
      this.#serve();
    };
    waiting.then(go, go);
  }

  #send(queue: WsQueue, message: string | Buffer): void {
    queue.shift();
    this.#onLeft(costOf(message));
    if (queue.first() !== undefined) this.#ring.push(queue);
    this.#unwritten += message.length;
    this.#socket.send(message, () => {
      this.#unwritten -= message.length;
      this.#serve();
    });
  }
}
