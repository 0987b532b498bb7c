/**
 * What every PieceSource must do, whatever carries its bytes. An adapter's test, in a `describe` of its own, gives a harness that serves a blob as it is
 * told and makes a source of it. Spec: docs/spec/10-transfer.md §1, §3, §9, §10.
 */
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { MiB } from '../core/index.ts';
import { eventually, nextTurn } from '../testkit/eventually.ts';
import { type TestBlob, testBlob } from '../testkit/hostile-http-server.ts';
import { SeededBytes } from '../testkit/seeded-bytes.ts';
import type { TransferErrorCode } from './errors.ts';
import type { Lane, PieceNews, PieceSource } from './ports.ts';

/** How the far end answers. Whatever an adapter's wire cannot express, its harness leaves out of `can`. */
export type PeerBehaviour =
  | 'honest'
  /** Fewer bytes than were asked for, and says so. */
  | 'short'
  /** One byte more. */
  | 'long'
  /** Other bytes than were asked for, and says so. */
  | 'wrong_range'
  /** Calls the blob one byte larger. */
  | 'wrong_size'
  | 'refuses'
  | 'absent'
  /** Asks for two seconds of patience. */
  | 'busy'
  /** Goes away in the middle of an answer. */
  | 'dies'
  /** Takes questions and says nothing. */
  | 'silent';

export interface ServedSource {
  readonly source: PieceSource;
  /** Connections, or streams, that are open at the far end. */
  openConnections(): number;
  close(): Promise<void>;
}

export interface SourceHarness {
  readonly can: readonly PeerBehaviour[];
  serve(blob: TestBlob, behaviour: PeerBehaviour): Promise<ServedSource>;
}

export const EVERY_BEHAVIOUR: readonly PeerBehaviour[] = [
  'honest',
  'short',
  'long',
  'wrong_range',
  'wrong_size',
  'refuses',
  'absent',
  'busy',
  'dies',
  'silent',
];

const FAILURES: readonly [PeerBehaviour, TransferErrorCode][] = [
  ['short', 'bad_response'],
  ['long', 'bad_response'],
  ['wrong_range', 'bad_response'],
  ['wrong_size', 'bad_response'],
  ['refuses', 'refused'],
  ['absent', 'not_held'],
  ['busy', 'peer_busy'],
  ['dies', 'peer_unreachable'],
];

/** A lane holds no more than this for a receiver that does not let go. */
const MOST_HELD_BYTES = 4 * MiB;

const small = testBlob(new SeededBytes('source').next(3 * MiB + 17));
const large = testBlob(new SeededBytes('large source').next(24 * MiB));

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a suite, not a procedure
export function testPieceSource(harness: SourceHarness): void {
  const open: ServedSource[] = [];
  const serve = async (blob: TestBlob, behaviour: PeerBehaviour = 'honest'): Promise<ServedSource> => {
    const served = await harness.serve(blob, behaviour);
    open.push(served);
    return served;
  };
  afterEach(async () => {
    for (const served of open.splice(0)) await served.close();
  });

  test('reads exactly the bytes of any range, in chunks that never cross a multiple of 1 MiB', async () => {
    const { source } = await serve(small);
    const lane = await source.openLane(never());
    const bound = fc.nat(small.content.length);
    const ranges = fc.tuple(bound, bound).filter(([a, b]) => a !== b);
    await fc.assert(
      fc.asyncProperty(ranges, async ([a, b]) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        expect((await readCopy(lane, start, end)).equals(small.content.subarray(start, end))).toBe(true);
      }),
      { numRuns: 12 },
    );
    lane.close();
  });

  test('answers reads that were asked ahead one after the other', async () => {
    const { source } = await serve(large);
    const lane = await source.openLane(never());
    const ends: number[] = [];
    const depth = Math.min(lane.depth ?? 1, 8);
    const reads = Array.from({ length: depth }, async (_, index) => {
      const [start, end] = [index * 2 * MiB + index, (index + 1) * 2 * MiB];
      const got = await readCopy(lane, start, end);
      ends.push(index);
      expect(got.equals(large.content.subarray(start, end))).toBe(true);
    });
    await Promise.all(reads);
    expect(ends).toEqual([...ends.keys()]);
    lane.close();
  });

  test('a receiver that does not let go holds a few blocks and no more, and then gets the rest', async () => {
    const { source } = await serve(large);
    const lane = await source.openLane(never());
    const waiting: { readonly bytes: number; readonly letGo: () => void }[] = [];
    let [held, most, received] = [0, 0, 0];
    const reading = lane.read(
      { start: 0, end: large.content.length },
      (bytes) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        held += bytes.length;
        received += bytes.length;
        most = Math.max(most, held);
        waiting.push({ bytes: bytes.length, letGo: resolve });
        return promise;
      },
      never(),
    );
    await eventually(nextTurn, () => received > 0);
    for (let turn = 0; turn < 300; turn += 1) await nextTurn();
    expect(held).toBeLessThanOrEqual(MOST_HELD_BYTES);
    const over = reading.then(() => true);
    for (let isOver = false; !isOver; isOver = await Promise.race([over, nextTurn().then(() => false)])) {
      for (const { bytes, letGo } of waiting.splice(0)) {
        held -= bytes;
        letGo();
      }
    }
    expect([received, most <= MOST_HELD_BYTES]).toEqual([large.content.length, true]);
    lane.close();
  });

  test('a read that is aborted ends the lane, and the connection with it', async () => {
    const served = await serve(large);
    const lane = await served.source.openLane(never());
    const abort = new AbortController();
    const reading = lane.read({ start: 0, end: large.content.length }, () => abort.abort(), abort.signal);
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
    await expect(lane.read({ start: 0, end: 10 }, () => {}, never())).rejects.toMatchObject({ code: 'cancelled' });
    await eventually(nextTurn, () => served.openConnections() === 0);
  });

  test('close() ends reads that are under way, and may be called again', async () => {
    const served = await serve(small, harness.can.includes('silent') ? 'silent' : 'honest');
    const lane = await served.source.openLane(never());
    const reading = lane.read({ start: 0, end: small.content.length }, () => {}, never());
    lane.close();
    lane.close();
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
    await eventually(nextTurn, () => served.openConnections() === 0);
  });

  test('what the receiver throws is what the read throws', async () => {
    const { source } = await serve(small);
    const lane = await source.openLane(never());
    const full = new Error('the disk is full');
    const refuse = (): void => {
      throw full;
    };
    await expect(lane.read({ start: 0, end: small.content.length }, refuse, never())).rejects.toBe(full);
    const late = await source.openLane(never());
    const refuseLater = (): Promise<void> => Promise.reject(full);
    await expect(late.read({ start: 0, end: small.content.length }, refuseLater, never())).rejects.toBe(full);
  });

  test('a lane is not opened for who has cancelled already', async () => {
    const { source } = await serve(small);
    await expect(source.openLane(AbortSignal.abort())).rejects.toMatchObject({
      code: expect.stringMatching(/^(cancelled|peer_unreachable)$/),
    });
  });

  test.each(FAILURES.filter(([behaviour]) => harness.can.includes(behaviour)))(
    'a peer that answers like "%s" is %s',
    async (behaviour, code) => {
      const { source } = await serve(small, behaviour);
      const received: Buffer[] = [];
      const attempt = async (): Promise<void> => {
        const lane = await source.openLane(never());
        try {
          await lane.read({ start: 0, end: 100_000 }, (bytes) => void received.push(Buffer.from(bytes)), never());
          // What comes behind an answer may be seen with the next one only.
          await lane.read({ start: 0, end: 100_000 }, () => {}, never());
        } finally {
          lane.close();
        }
      };
      const wait = code === 'peer_busy' ? { retryAfterMs: 2000 } : {};
      await expect(attempt()).rejects.toMatchObject({ code, ...wait });
      const honest = small.content.subarray(0, 100_000);
      const got = Buffer.concat(received);
      expect(got.equals(honest.subarray(0, got.length))).toBe(true);
    },
  );

  test('a far end that has gone away is unreachable', async () => {
    const served = await serve(small);
    await served.close();
    await expect(served.source.openLane(never())).rejects.toMatchObject({ code: 'peer_unreachable' });
  });

  test('the piece list, where there is one, has exactly the wanted length', async () => {
    const { source } = await serve(small);
    if (source.pieceHashes === undefined) return;
    expect(await source.pieceHashes(small.pieces.length, never())).toEqual(small.pieces);
    await expect(source.pieceHashes(small.pieces.length + 32, never())).rejects.toMatchObject({
      code: 'bad_response',
    });
  });

  test('news of pieces, where there are any, begin with what is held', async () => {
    const { source } = await serve(small);
    if (source.followPieces === undefined) return;
    const stop = new AbortController();
    const first = Promise.withResolvers<PieceNews>();
    const following = source.followPieces(first.resolve, stop.signal);
    following.catch(first.reject);
    expect((await first.promise).news).toMatch(/^holds/);
    stop.abort();
    await following.catch(() => {});
  });
}

/** A copy of the range; fails when a chunk crosses a MiB, or bytes come beyond it. */
async function readCopy(lane: Lane, start: number, end: number): Promise<Buffer> {
  const copy = Buffer.alloc(end - start);
  const copies: Promise<void>[] = [];
  let position = start;
  const receive = (bytes: Buffer): Promise<void> => {
    expect(Math.floor(position / MiB)).toBe(Math.floor((position + bytes.length - 1) / MiB));
    const at = position - start;
    position += bytes.length;
    // A block must stay as it is until it is let go of.
    const copied = nextTurn().then(() => void bytes.copy(copy, at));
    copies.push(copied);
    return copied;
  };
  await lane.read({ start, end }, receive, never());
  await Promise.all(copies);
  expect(position).toBe(end);
  return copy;
}

function never(): AbortSignal {
  return new AbortController().signal;
}
