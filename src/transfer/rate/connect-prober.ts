/** The time a TCP connection takes to open: one packet each way, through the same queues as the bytes of a transfer. */
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { DelayProber } from './delay-watch.ts';

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** Who is at no address is not probed. */
export function connectProber(addressOf: (peer: string) => PeerAddress | undefined): DelayProber {
  return {
    async probe(peer, signal) {
      const address = addressOf(peer);
      return address === undefined ? undefined : await connectTimeMs(address, signal);
    },
  };
}

/** A refusal is an answer as well: it came the same way back. */
export function connectTimeMs({ host, port }: PeerAddress, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const startMs = performance.now();
  const socket = connect({ host, port, noDelay: true });
  const onAbort = (): void => reject(signal.reason);
  socket.once('connect', () => resolve(performance.now() - startMs));
  socket.once('error', (error: NodeJS.ErrnoException) =>
    error.code === 'ECONNREFUSED' ? resolve(performance.now() - startMs) : reject(error),
  );
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort);
    socket.on('error', () => {});
    socket.destroy();
  });
}
