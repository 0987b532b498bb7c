/**
 * Writes a body with the reader's pace: a write is done when the bytes left this process. After the client went away every
 * write fails at once. Spec: docs/spec/05-http.md §5 no. 5 to 7.
 */
import type { ServerResponse } from 'node:http';
import { ServerError } from './errors.ts';

export class BodyWriter {
  readonly #response: ServerResponse;
  readonly #gone: Promise<never>;
  #writing = false;

  constructor(response: ServerResponse, stalledReaderMs: number) {
    this.#response = response;
    this.#gone = new Promise((_resolve, reject) => {
      response.once('close', () => reject(clientGone()));
    });
    this.#gone.catch(() => {});
    // The socket's own timer restarts whenever the system took bytes of a pending write. Silence of ours is not the reader's.
    response.setTimeout(stalledReaderMs, () => this.#writing && response.destroy());
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#writing = true;
    await Promise.race([this.#gone, this.#flushed(bytes)]);
    this.#writing = false;
  }

  end(): void {
    this.#response.setTimeout(0);
    this.#response.end();
  }

  #flushed(bytes: Uint8Array): Promise<void> {
    if (this.#response.destroyed) return Promise.reject(clientGone());
    return new Promise((resolve, reject) => {
      this.#response.write(bytes, (cause) => (cause ? reject(cause) : resolve()));
    });
  }
}

function clientGone(): ServerError {
  return new ServerError('closing', 'Sending a body: the client went away');
}
