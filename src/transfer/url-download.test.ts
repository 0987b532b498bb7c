import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { MiB } from '../core/index.ts';
import * as hostile from '../testkit/hostile-http-server.ts';
import { MemoryPieceSink } from '../testkit/memory-piece-sink.ts';
import { download, UrlPieceSource } from './index.ts';

const blob = hostile.testBlob(randomBytes(3 * MiB + 5));
const never = (): AbortSignal => new AbortController().signal;

test('a plain URL carries a download whose piece list is known', async () => {
  await using server = await hostile.startHostileHttpServer(blob);
  const sink = new MemoryPieceSink(blob.content.length);
  const sources = [new UrlPieceSource({ id: 'mirror', url: server.url, blob: blob.blob })];
  await download({ blob: blob.blob, sink, sources, pieceHashes: blob.pieces }, never());
  expect(sink.bytes.equals(blob.content)).toBe(true);
});

test('a plain URL carries none whose piece list nobody has', async () => {
  await using server = await hostile.startHostileHttpServer(blob);
  const sink = new MemoryPieceSink(blob.content.length);
  const sources = [new UrlPieceSource({ id: 'mirror', url: server.url, blob: blob.blob })];
  const failing = download({ blob: blob.blob, sink, sources }, never());
  const peers = [{ id: 'mirror', code: 'not_asked', message: 'it gives no piece list' }];
  await expect(failing).rejects.toMatchObject({
    code: 'no_sources',
    message: expect.stringContaining(
      'the list of piece hashes is missing, which only nodes that have or fetch the blob can give',
    ),
    data: { peers, missing: 'piece_list' },
  });
  expect(server.requests).toEqual([]);
});
