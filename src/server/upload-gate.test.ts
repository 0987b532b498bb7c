/** Bytes on their way out pass the gate that the node's policy has for their reader: docs/spec/10-transfer.md §11. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ByteGate } from '../core/index.ts';
import { MiB } from '../core/index.ts';
import { ask, openTcp, openTestEdge, openTls, PEER_ID, readToEnd, selfSigned } from './http-edge.fixture.ts';
import type { Viewer } from './ports.ts';

const bytes = randomBytes(3 * MiB + 7);

/** A gate that lets everything through, and remembers who asked for what. */
function watching(gate: Partial<ByteGate> = {}) {
  const asked: { viewer: Viewer; sha256: string; sizeBytes: number }[] = [];
  const taken: number[] = [];
  const uploadGate = (viewer: Viewer, sha256: string, sizeBytes: number): ByteGate => {
    asked.push({ viewer, sha256, sizeBytes });
    return { take: (count) => void taken.push(count), ...gate };
  };
  return { uploadGate, asked, taken, total: () => taken.reduce((sum, count) => sum + count, 0) };
}

test('every byte of a blob passes the gate of its reader, in slices of the size it wants', async () => {
  const watch = watching({ sliceBytes: 100_000 });
  await using edge = await openTestEdge({ tls: await selfSigned('server'), uploadGate: watch.uploadGate });
  const [file] = await edge.content.add('org/model', { 'm.gguf': bytes });
  const socket = await openTls(edge.port, await selfSigned('peer'));
  socket.write(`GET /v1/blobs/${file?.sha256} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const answer = await readToEnd(socket);
  expect(Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1').equals(bytes)).toBe(true);
  const viewer = { kind: 'peer', nodeId: PEER_ID, role: 'member' };
  expect(watch.asked).toEqual([{ viewer, sha256: file?.sha256, sizeBytes: bytes.length }]);
  expect(watch.total()).toBe(bytes.length);
  expect(Math.max(...watch.taken)).toBe(100_000);
});

test('a gate that has no slices is asked once a chunk', async () => {
  const watch = watching();
  await using edge = await openTestEdge({ uploadGate: watch.uploadGate });
  const [file] = await edge.content.add('org/model', { 'm.gguf': bytes });
  const { body } = await ask({ port: edge.port, path: `/v1/blobs/${file?.sha256}` });
  expect(body.equals(bytes)).toBe(true);
  expect(watch.taken).toEqual([MiB, MiB, MiB, 7]);
});

test('what a tool on this machine reads as a whole model passes no gate', async () => {
  const watch = watching();
  await using edge = await openTestEdge({ uploadGate: watch.uploadGate });
  await edge.content.add('org/model', { 'm.gguf': bytes });
  const { body } = await ask({ port: edge.port, path: '/v1/models/download/org/model' });
  expect(body.equals(bytes)).toBe(true);
  expect(watch.asked).toEqual([]);
});

test('a reader that goes away ends the wait for the gate', async () => {
  const waiting = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const take = (_count: number, signal?: AbortSignal) =>
    new Promise<void>((_, reject) => {
      waiting.resolve();
      signal?.addEventListener('abort', () => {
        reject(signal.reason);
        ended.resolve();
      });
    });
  await using edge = await openTestEdge({ uploadGate: watching({ take }).uploadGate });
  const [file] = await edge.content.add('org/model', { 'm.gguf': bytes });
  const socket = await openTcp(edge.port);
  socket.write(`GET /v1/blobs/${file?.sha256} HTTP/1.1\r\nHost: 127.0.0.1:${edge.port}\r\n\r\n`);
  await waiting.promise;
  socket.destroy();
  await ended.promise;
});
