/**
 * Events as lines of JSON, each flushed, until the work ends or the client goes away. Spec: docs/spec/05-http.md §6.
 * The head waits for the first event, so that work that fails at once has a status of its own.
 */
import type { ServerResponse } from 'node:http';
import { toErrorBody } from '../api/index.ts';
import type { Clock } from '../core/index.ts';
import { BodyWriter } from './body-writer.ts';
import type { ServerLimits } from './limits.ts';

export interface EventStreamOptions {
  readonly response: ServerResponse;
  readonly events: AsyncIterable<unknown>;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  /** The work's: aborted when the client went away, or the edge closes. */
  readonly signal: AbortSignal;
  readonly takeOver: () => void;
  readonly onFailure: (thrown: unknown) => void;
}

/** Throws only before the head is sent. */
export async function sendEvents(options: EventStreamOptions): Promise<void> {
  const { response, events, limits, clock } = options;
  const stream = new LineStream(options);
  const cancelHead = clock.after(limits.eventHeadMs, () => stream.open());
  try {
    for await (const event of events) {
      if (response.destroyed) return;
      await stream.send(event);
    }
    options.signal.throwIfAborted();
    stream.open();
  } catch (thrown) {
    if (!stream.isOpen) throw thrown;
    if (response.destroyed) return;
    if (!options.signal.aborted) options.onFailure(thrown);
    const { error, code, kind } = toErrorBody(thrown);
    await stream.send({ event: 'failed', error, code, kind }).catch(() => {});
  } finally {
    cancelHead();
  }
  response.end();
}

class LineStream {
  readonly #options: EventStreamOptions;
  #writer: BodyWriter | undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#writer !== undefined;
  }

  open(): BodyWriter {
    if (this.#writer !== undefined) return this.#writer;
    const { response, takeOver } = this.#options;
    takeOver();
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.flushHeaders();
    this.#writer = new BodyWriter(response);
    return this.#writer;
  }

  async send(event: unknown): Promise<void> {
    await this.open().write(Buffer.from(`${JSON.stringify(event)}\n`));
  }
}
