import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openLink } from './link.ts';
import type { Cut } from './scenario.ts';

const SENT = Buffer.alloc(300_000, 7);

/** What comes through, and how the connection ended; `silent` where it did not. */
async function through(cut: Cut | undefined): Promise<{ bytes: number; end: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(SENT));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using link = await openLink(() => (server.address() as AddressInfo).port, cut === undefined ? [] : [cut]);
  const socket = connect(Number(new URL(link.url).port), '127.0.0.1');
  let bytes = 0;
  let end = 'silent';
  const isOver = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (cut?.how === 'swallow' && bytes === cut.afterBytes) resolve();
    });
    socket.on('error', () => {
      end = 'reset';
    });
    socket.on('end', () => {
      end = 'end';
    });
    socket.on('close', () => resolve());
  });
  socket.write('x');
  await isOver;
  socket.destroy();
  server.close();
  return { bytes, end };
}

test('a link without a cut passes everything on', async () => {
  expect(await through(undefined)).toEqual({ bytes: SENT.length, end: 'end' });
});

test('a link ends after exactly so many bytes', async () => {
  expect(await through({ afterBytes: 100_000, how: 'end' })).toEqual({ bytes: 100_000, end: 'end' });
});

test('a link that swallows goes silent after exactly so many bytes', async () => {
  expect(await through({ afterBytes: 100_000, how: 'swallow' })).toEqual({ bytes: 100_000, end: 'silent' });
});

test('a link is reset, and at most so many bytes came', async () => {
  const { bytes, end } = await through({ afterBytes: 100_000, how: 'reset' });
  expect(end).toBe('reset');
  expect(bytes).toBeLessThanOrEqual(100_000);
});
