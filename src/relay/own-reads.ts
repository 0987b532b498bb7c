/**
 * A connection that was accepted, from here on read into memory of ours. Node lets only connections that it opens itself be
 * read so (`onread`); for one it accepted it makes a new buffer for each read, and collecting those is half of a relay's work.
 * So the connection moves to a socket made with `onread`: `_handle` and `handle` are undocumented, and as old as Node.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

export interface Reads {
  /** Where the next read goes. */
  buffer(): Buffer;
  /** So many bytes came; false stops reading until the socket is resumed. */
  callback(count: number): boolean;
}

export interface OwnedSocket {
  readonly socket: Socket;
  /** What had come before. */
  readonly rest: Buffer;
}

/** Takes over a paused socket that nothing was written to; it closes, its connection goes on. */
export function readInto(accepted: Socket, reads: Reads): OwnedSocket {
  const rest: Buffer = accepted.read() ?? Buffer.alloc(0);
  const bare = accepted as unknown as { _handle: object | null };
  const handle = bare._handle;
  // It broke a moment ago and is about to say so.
  if (handle === null) return { socket: accepted, rest };
  bare._handle = null;
  accepted.destroy();
  // The types know a fixed buffer only; a function that yields the next one is documented as well.
  const onread = { buffer: () => reads.buffer(), callback: (count: number) => reads.callback(count) } as unknown;
  return {
    socket: new Socket({ handle, onread: onread as OnReadOpts, allowHalfOpen: true } as SocketConstructorOpts),
    rest,
  };
}
