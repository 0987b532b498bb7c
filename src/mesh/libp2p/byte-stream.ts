/**
 * A libp2p stream as bytes. Waits for `drain` by itself: `onDrain()` of libp2p 3.3 gives out one promise for the life of a
 * stream, which is over after the first time, and whoever relied on it would put a whole model into the write buffer.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { MeshError } from '../errors.ts';
import { MESH_LIMITS } from '../limits.ts';
import type { ByteReceiver, ByteStream } from '../transport.ts';
import { toError } from './frame-stream.ts';

/** Structural: what a stream hands out is a Uint8Array or a list of them. */
type Chunk = Uint8Array | Iterable<Uint8Array>;

export class Libp2pByteStream implements ByteStream {
  readonly #stream: Stream;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  send(bytes: Uint8Array): void | Promise<void> {
    try {
      if (!this.#stream.send(bytes)) return this.#drained();
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  receive(receiver: ByteReceiver): void {
    const stream = this.#stream;
    let isOver = false;
    const end = (error: Error | undefined): void => {
      if (isOver) return;
      isOver = true;
      stream.removeEventListener('message', onMessage);
      stream.removeEventListener('remoteCloseWrite', onRemoteEnd);
      stream.removeEventListener('close', onClose);
      receiver.ended(error);
    };
    const onMessage = ({ data }: { readonly data: Chunk }): void => {
      for (const part of data instanceof Uint8Array ? [data] : data) if (!isOver) receiver.bytes(part);
    };
    // What is still in the stream's buffer is handed out first: the end is told a turn later.
    const onRemoteEnd = (): void => void setImmediate(end, undefined);
    const onClose = ({ error }: { readonly error?: Error }): void => void setImmediate(end, error);
    stream.addEventListener('remoteCloseWrite', onRemoteEnd);
    stream.addEventListener('close', onClose);
    stream.addEventListener('message', onMessage as never);
    if (stream.status !== 'open') onClose({ error: over() });
  }

  async close(): Promise<void> {
    try {
      await this.#stream.close();
    } catch (thrown) {
      this.#stream.abort(toError(thrown));
    }
  }

  abort(reason: Error): void {
    this.#stream.abort(reason);
  }

  #drained(): Promise<void> {
    const stream = this.#stream;
    if (stream.status !== 'open') return Promise.reject(over());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onDrain = (): void => resolve();
    const onClose = ({ error }: { readonly error?: Error }): void => reject(error ?? over());
    stream.addEventListener('drain', onDrain);
    stream.addEventListener('close', onClose);
    return promise.finally(() => {
      stream.removeEventListener('drain', onDrain);
      stream.removeEventListener('close', onClose);
    });
  }
}

/** Over a relayed connection too. */
export async function openByteStream(
  connection: Connection,
  protocol: string,
  signal: AbortSignal,
): Promise<ByteStream> {
  const ends = AbortSignal.any([signal, AbortSignal.timeout(MESH_LIMITS.byteStreamOpenMs)]);
  const maxOutboundStreams = MESH_LIMITS.byteStreamsPerPeer;
  const stream = await connection.newStream(protocol, {
    signal: ends,
    runOnLimitedConnection: true,
    maxOutboundStreams,
  });
  return new Libp2pByteStream(stream);
}

function over(): MeshError {
  return new MeshError('request_failed', 'Sending on a stream: it is over');
}
