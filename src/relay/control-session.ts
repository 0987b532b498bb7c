/** One control connection as the relay sees it: frames in, frames out, silence and floods ended. Spec: docs/spec/13-relay.md §3. */
import type { TLSSocket } from 'node:tls';
import type { Clock, NodeId } from '../core/index.ts';
import { encodeFrame, FrameDecoder } from '../protocol/index.ts';
import type { RelayLimits } from './limits.ts';
import { type ClientFrame, parseClientFrame, type RefusalCode, type RelayFrame } from './messages.ts';

const MINUTE_MS = 60_000;

export interface ControlSessionOptions {
  readonly nodeId: NodeId;
  /** Verified; paused or not yet read. */
  readonly socket: TLSSocket;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly onFrame: (frame: ClientFrame, session: ControlSession) => void;
  readonly onClose: (session: ControlSession) => void;
}

export class ControlSession {
  readonly nodeId: NodeId;
  readonly #options: ControlSessionOptions;
  readonly #decoder: FrameDecoder;
  #minuteStartMs: number;
  #framesOfMinute = 0;

  constructor(options: ControlSessionOptions) {
    this.nodeId = options.nodeId;
    this.#options = options;
    const { socket, limits, clock } = options;
    this.#decoder = new FrameDecoder(limits.frameBytes);
    this.#minuteStartMs = clock.monotonicMs();
    socket.setTimeout(limits.controlIdleMs, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.once('end', () => socket.destroy());
    socket.once('close', () => options.onClose(this));
  }

  /** A client that reads nothing is let go of. */
  send(frame: RelayFrame): void {
    const { socket, limits } = this.#options;
    if (socket.destroyed) return;
    if (socket.writableLength > limits.unreadBytes) socket.destroy();
    else socket.write(encodeFrame(frame, limits.frameBytes));
  }

  /** Says why, then ends. */
  refuse(code: RefusalCode): void {
    this.send({ type: 'refused', code });
    this.#options.socket.destroySoon();
  }

  close(): void {
    this.#options.socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const value of this.#decoder.push(chunk)) {
        if (this.#options.socket.writableEnded) return;
        if (this.#isFlooding()) this.refuse('busy');
        else this.#options.onFrame(parseClientFrame(value), this);
      }
    } catch {
      this.refuse('malformed');
    }
  }

  #isFlooding(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#minuteStartMs >= MINUTE_MS) {
      this.#minuteStartMs = nowMs;
      this.#framesOfMinute = 0;
    }
    this.#framesOfMinute += 1;
    return this.#framesOfMinute > this.#options.limits.framesPerMinute;
  }
}
