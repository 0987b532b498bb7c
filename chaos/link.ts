/** A way to a source that is cut where the scenario says: a forwarder that counts what comes back through each connection. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Cut } from './scenario.ts';

export interface Link extends AsyncDisposable {
  readonly url: string;
}

export async function openLink(toPort: () => number, cuts: readonly Cut[]): Promise<Link> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((near) => {
    const cut = cuts[count];
    count += 1;
    const far = connect(toPort(), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    }
    join(near, far, cut);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function join(near: Socket, far: Socket, cut: Cut | undefined): void {
  let left = cut?.afterBytes ?? Number.POSITIVE_INFINITY;
  near.pipe(far);
  far.on('data', (bytes: Buffer) => {
    const passing = bytes.subarray(0, left);
    left -= passing.length;
    if (passing.length > 0 && !near.write(passing)) far.pause();
    if (passing.length < bytes.length && cut !== undefined) sever(near, far, cut);
  });
  near.on('drain', () => far.resume());
  far.on('end', () => near.end());
  // A link that swallows says nothing of the far end's going either.
  far.on('close', () => (left > 0 ? near.destroy() : undefined));
  near.on('close', () => far.destroy());
  if (left === 0 && cut !== undefined) near.once('data', () => sever(near, far, cut));
}

function sever(near: Socket, far: Socket, { how }: Cut): void {
  far.removeAllListeners('data');
  if (how === 'swallow') {
    far.resume();
    return;
  }
  if (how === 'reset') near.resetAndDestroy();
  else near.end();
  far.destroy();
}
