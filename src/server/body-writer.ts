/**
 * Writes a body with the reader's pace: a write is done when the bytes left this process. After the client went away every
 * write fails at once. Spec: docs/spec/05-http.md §5 no. 6 and 7.
 */
import type { ServerResponse } from 'node:http';
import { ServerError } from './errors.ts';

export class BodyWriter {
  readonly #response: ServerResponse;
  readonly #gone: Promise<never>;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#gone = new Promise((_resolve, reject) => {
      response.once('close', () => reject(clientGone()));
    });
    this.#gone.catch(() => {});
  }

  async write(bytes: Uint8Array): Promise<void> {
    await Promise.race([this.#gone, this.#flushed(bytes)]);
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
