/** A peer that is slow, for instance by a limit of its own, is not one that is silent: docs/spec/10-transfer.md §11. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { KiB } from '../core/index.ts';
import * as hostile from '../testkit/hostile-http-server.ts';
import { MemoryPieceSink } from '../testkit/memory-piece-sink.ts';
import { download, HttpPieceSource } from './index.ts';

test('a peer that needs longer for one chunk than silence may last has not stalled', async () => {
  const blob = hostile.testBlob(randomBytes(400 * KiB));
  await using server = await hostile.startHostileHttpServer(blob, { behaviour: hostile.slowBody(200 * KiB) });
  const sink = new MemoryPieceSink(blob.content.length);
  const source = new HttpPieceSource({ id: 'slow', baseUrl: server.url, blob: blob.blob });
  const limits = { stallMs: 700, tickMs: 50, backOffMs: 5, maxFailuresInRow: 1 };
  const { sources, durationMs } = await download(
    { blob: blob.blob, sink, sources: [source], limits },
    new AbortController().signal,
  );
  expect(durationMs).toBeGreaterThan(limits.stallMs);
  expect(sources).toEqual([expect.objectContaining({ failures: [], bytes: blob.content.length })]);
  expect(sink.bytes.equals(blob.content)).toBe(true);
});
