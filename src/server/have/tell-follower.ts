/**
 * One follower: told what is so, then what changes, at its own pace. What it has been told is all that is kept for it,
 * so a slow one costs two bits a piece and hears the sum of what it missed. Spec: docs/spec/10-transfer.md §8.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../core/index.ts';
import {
  encodeHaveFrame,
  type HaveFrame,
  type HaveState,
  PROTOCOL_LIMITS,
  planHaveNews,
} from '../../protocol/index.ts';
import { BodyWriter } from '../body-writer.ts';

export interface FollowerOptions {
  readonly response: ServerResponse;
  /** Undefined: there is no more to tell. */
  readonly state: () => HaveState | undefined;
  readonly clock: Clock;
  /** Between two writes. */
  readonly everyMs: number;
  /** The edge closes. */
  readonly closing: AbortSignal;
  /** For the count of bytes. */
  readonly onWritten: (bytes: number) => void;
}

export class Follower {
  readonly #options: FollowerOptions;
  readonly #writer: BodyWriter;
  #told: HaveState | undefined;
  #isChanged = false;
  #isOver = false;
  #wake: (() => void) | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#writer = new BodyWriter(options.response);
    const end = (): void => {
      this.#isOver = true;
      this.#wake?.();
    };
    options.response.once('close', () => {
      options.closing.removeEventListener('abort', end);
      end();
    });
    options.closing.addEventListener('abort', end);
    if (options.closing.aborted) end();
  }

  /** What `state` yields may be another now. */
  changed(): void {
    this.#isChanged = true;
    this.#wake?.();
  }

  /** Until the state is undefined, the client is gone or the edge closes. Never rejects. */
  async tell(): Promise<void> {
    const { clock, everyMs, response } = this.#options;
    try {
      for (let state = this.#look(); state !== undefined && !this.#isOver; state = this.#look()) {
        const frames = planHaveNews(this.#told, state);
        await this.#write(frames.length === 0 && this.#told !== undefined ? [{ type: 'alive' }] : frames);
        this.#told = state;
        await this.#pause(clock, everyMs, () => this.#isOver);
        await this.#pause(clock, PROTOCOL_LIMITS.haveKeepAliveMs - everyMs, () => this.#isOver || this.#isChanged);
      }
      response.end();
    } catch {
      response.destroy();
    }
  }

  #look(): HaveState | undefined {
    this.#isChanged = false;
    return this.#options.state();
  }

  async #write(frames: readonly HaveFrame[]): Promise<void> {
    const bytes = Buffer.concat(frames.map(encodeHaveFrame));
    await this.#writer.write(bytes);
    this.#options.onWritten(bytes.length);
  }

  /** Until the time is over or `isEnough` is true when something has happened. */
  async #pause(clock: Clock, delayMs: number, isEnough: () => boolean): Promise<void> {
    if (isEnough()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(delayMs, resolve);
    this.#wake = () => {
      if (isEnough()) resolve();
    };
    await promise;
    cancel();
    this.#wake = undefined;
  }
}
