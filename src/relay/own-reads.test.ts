import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { readInto } from './own-reads.ts';

const open: Socket[] = [];
const server = createServer({ allowHalfOpen: true });

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  server.close();
});

it('what came before, what comes after and the end of an accepted connection arrive, in memory of ours', async () => {
  const { client, accepted } = await connection();
  client.write('before');
  await once(accepted, 'readable');
  const memory = Buffer.alloc(8);
  let heard = '';
  const callback = (count: number): boolean => {
    heard += memory.toString('latin1', 0, count);
    return true;
  };
  const { socket, rest } = readInto(accepted, { buffer: () => memory, callback });
  open.push(socket);
  expect(rest.toString()).toBe('before');
  expect(accepted.destroyed).toBe(true);
  client.end('more than the memory holds at once');
  await once(socket, 'end');
  expect(heard).toBe('more than the memory holds at once');
  socket.end('and back');
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(answer.toString()).toBe('and back');
});

it('one that broke a moment ago is left as it is', async () => {
  const { accepted } = await connection();
  accepted.destroy();
  const { socket } = readInto(accepted, { buffer: () => Buffer.alloc(1), callback: () => true });
  expect(socket).toBe(accepted);
});

async function connection(): Promise<{ readonly client: Socket; readonly accepted: Socket }> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without an address');
  const accepting = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(address.port, '127.0.0.1');
  const [accepted] = await accepting;
  open.push(client, accepted);
  return { client, accepted };
}
