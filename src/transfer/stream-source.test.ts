import { randomBytes } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { MiB } from '../core/index.ts';
import { MemoryByteStream } from '../mesh/memory-stream.ts';
import { nextTurn } from '../testkit/eventually.ts';
import { testBlob } from '../testkit/hostile-http-server.ts';
import * as hostile from '../testkit/hostile-stream-peer.ts';
import { EVERY_BEHAVIOUR, type PeerBehaviour, type SourceHarness, testPieceSource } from './source.conformance.ts';
import { StreamPieceSource } from './stream-source.ts';

const BEHAVIOURS: Readonly<Record<PeerBehaviour, hostile.StreamBehaviour>> = {
  honest: hostile.honestStream,
  short: hostile.streamHead((_, { content }) => ({ size: content.length, length: 7 })),
  long: hostile.longStream,
  wrong_range: hostile.streamHead(({ start, end }, { content }) => ({ size: content.length, length: end - start + 1 })),
  wrong_size: hostile.streamHead(({ start, end }, { content }) => ({ size: content.length + 1, length: end - start })),
  refuses: hostile.streamError({ error: 'refused' }),
  absent: hostile.streamError({ error: 'not_held' }),
  busy: hostile.streamError({ error: 'busy', retry_after_s: 2 }),
  dies: hostile.dyingStream,
  silent: hostile.silentStream,
};

const harness: SourceHarness = {
  can: EVERY_BEHAVIOUR,
  async serve(blob, behaviour) {
    const open = new Set<MemoryByteStream>();
    let isUp = true;
    const openStream = async (signal: AbortSignal): Promise<MemoryByteStream> => {
      signal.throwIfAborted();
      if (!isUp) throw new Error('nobody is there');
      const [here, there] = MemoryByteStream.pair(() => nextTurn());
      open.add(there);
      there.onOver(() => open.delete(there));
      hostile.answerStream(there, blob, BEHAVIOURS[behaviour]);
      return here;
    };
    const close = async (): Promise<void> => {
      isUp = false;
      for (const stream of open) stream.abort(new Error('the peer is gone'));
    };
    const source = new StreamPieceSource({ id: 'peer', blob: blob.blob, openStream });
    return { source, openConnections: () => open.size, close };
  },
};

describe('a mesh stream as a piece source', () => testPieceSource(harness));

const blob = testBlob(randomBytes(9 * MiB + 3));
const never = (): AbortSignal => new AbortController().signal;

async function laneTo(behaviour: hostile.StreamBehaviour) {
  const [here, there] = MemoryByteStream.pair(() => nextTurn());
  hostile.answerStream(there, blob, behaviour);
  const source = new StreamPieceSource({ id: 'peer', blob: blob.blob, openStream: async () => here });
  return source.openLane(never());
}

describe('StreamPieceSource', () => {
  it('never has more than seven parts of 512 KiB under way, whatever is read', async () => {
    let [underWay, most] = [0, 0];
    const lane = await laneTo(({ start, end }, stream, content) => {
      underWay += 1;
      most = Math.max(most, underWay);
      expect(end - start).toBeLessThanOrEqual(MiB / 2);
      void nextTurn().then(() => {
        underWay -= 1;
        hostile.honestStream({ want: 'bytes', start, end }, stream, content);
      });
    });
    const reads = [0, 1, 2, 3].map((i) => lane.read({ start: i * 2 * MiB, end: (i + 1) * 2 * MiB }, () => {}, never()));
    await Promise.all(reads);
    expect(most).toBe(7);
  });

  test.each([
    ['a frame of endless length', Buffer.from([0xff, 0xff, 0xff, 0xff, 0])],
    ['a frame that is not JSON', Buffer.from([0, 0, 0, 2, 0x7b, 0x7b])],
    ['an answer that is none', hostile.frameOf({ ok: true })],
    ['news where bytes were asked for', hostile.frameOf({ follow: true })],
    ['an unknown error', hostile.frameOf({ error: 'because' })],
  ])('%s is a bad response', async (_, bytes) => {
    const lane = await laneTo((_question, stream) => void stream.send(bytes));
    await expect(lane.read({ start: 0, end: 10 }, () => {}, never())).rejects.toMatchObject({ code: 'bad_response' });
  });

  it('ends a lane on which bytes come that nobody asked for', async () => {
    const [here, there] = MemoryByteStream.pair(() => nextTurn());
    const source = new StreamPieceSource({ id: 'peer', blob: blob.blob, openStream: async () => here });
    const lane = await source.openLane(never());
    await there.send(Buffer.from('hello'));
    const read = lane.read({ start: 0, end: 10 }, () => {}, never());
    await expect(read).rejects.toMatchObject({ code: 'bad_response' });
  });
});
