/** A source in a process of its own, which dies by its own hand after so many bytes. */
import type { Socket } from 'node:net';
import { startHostileHttpServer, testBlob } from '../src/testkit/hostile-http-server.ts';
import { SeededBytes } from '../src/testkit/seeded-bytes.ts';
import { listOf, servingOf } from './answers.ts';
import { die, report, type SeederOrder } from './messages.ts';

// Without a runner there is nobody to serve.
process.on('disconnect', () => process.exit());

process.once('message', async (order: SeederOrder) => {
  const blob = testBlob(new SeededBytes(order.contentSeed).next(order.sizeBytes));
  const { behaviour: answer, ...news } = servingOf(order.plan, blob, order.served);
  const watch = dyingAfter(order.dieAfterBytes ?? Number.POSITIVE_INFINITY);
  const server = await startHostileHttpServer(blob, {
    ...news,
    port: order.port,
    behaviour(request, socket, asked) {
      report({ on: 'request' });
      watch(socket);
      answer(request, socket, asked);
    },
  });
  server.lieAboutPieces(listOf(order.plan, blob));
  report({ on: 'listening', port: Number(new URL(server.url).port) });
});

/** What was written before is on its way; what is left of the write that is one too many, and all after it, never was. */
function dyingAfter(byteCount: number): (socket: Socket) => void {
  const watched = new WeakSet<Socket>();
  let left = byteCount;
  return (socket) => {
    if (watched.has(socket)) return;
    watched.add(socket);
    const write = socket.write.bind(socket) as (bytes: Buffer) => boolean;
    socket.write = ((bytes: Buffer | string) => {
      const buffer = Buffer.from(bytes as string);
      left -= buffer.length;
      if (left >= 0) return write(buffer);
      write(buffer.subarray(0, Math.max(0, buffer.length + left)));
      setImmediate(die);
      return false;
    }) as typeof socket.write;
  };
}
