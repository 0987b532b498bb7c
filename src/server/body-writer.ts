/**
 * Writes a body with the reader's pace: a write is done when the bytes left this process. After the client went away every
 * write fails at once. Spec: docs/spec/05-http.md §5 no. 6 and 7.
 */
import type { ServerResponse } from 'node:http';
import { ServerError } from './errors.ts';

export class BodyWriter {
  readonly #response: ServerResponse;
  /** Of the write under way; there is one at a time. Not a race of promises: that would keep a reaction a write. */
  #fail: ((cause: Error) => void) | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', () => this.#fail?.(clientGone()));
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#response.destroyed) return Promise.reject(clientGone());
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      this.#response.write(bytes, (cause) => {
        this.#fail = undefined;
        if (cause) reject(cause);
        else resolve();
      });
    });
  }
}

function clientGone(): ServerError {
  return new ServerError('closing', 'Sending a body: the client went away');
}
