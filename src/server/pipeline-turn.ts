/**
 * A client may send requests ahead. Their answers leave in order, so one whose turn has not come opens no file, fills no
 * buffer and counts as no stream: that would be paid for by whoever waits behind it. Spec: docs/spec/05-http.md §5 no. 4.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ServerError } from './errors.ts';

/** When the last request of each connection will be over. */
const lastOf = new WeakMap<Socket, Promise<void>>();

/**
 * Resolves when the requests before it on its connection are over, with the function that says so of this one. Throws
 * ServerError `closing` when the client has gone by then.
 */
export async function takeTurn({ socket }: IncomingMessage): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = lastOf.get(socket);
  lastOf.set(socket, promise);
  await before;
  if (!socket.destroyed) return resolve;
  resolve();
  throw new ServerError('closing', 'Waiting for the answers before this one: the client went away');
}
