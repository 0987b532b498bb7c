import { expect, test } from 'vitest';
import type { NodeId, Sha256 } from '../../core/index.ts';
import type { DownloadProgress, SourceOutcome } from '../../transfer/index.ts';
import { PullProgress } from './pull-progress.ts';

const [A, B] = ['a', 'b'] as Sha256[] as [Sha256, Sha256];

function outcome(id: string, change: Partial<SourceOutcome> = {}): SourceOutcome {
  const measured = { firstByteMs: undefined, rateBytesPerSecond: undefined };
  return { id, nodeId: id as NodeId, bytes: 0, pieces: 0, failures: [], isCorrupt: false, ...measured, ...change };
}

function progress(verifiedBytes: number, change: Partial<DownloadProgress> = {}): DownloadProgress {
  const base = { state: 'downloading' as const, sizeBytes: 100, receivedBytes: 0, hashedBytes: 0, etaMs: undefined };
  return { ...base, verifiedBytes, rateBytesPerSecond: 10, sources: [], ...change };
}

test('adds up the blobs of a model, those that were here before too', () => {
  const pull = new PullProgress();
  pull.totalBytes = 200;
  pull.addHeld(A, 100);
  pull.update(B, progress(40));
  expect([pull.verifiedBytes, pull.etaSeconds]).toEqual([140, 6]);
});

test('a later word of a blob replaces the earlier', () => {
  const pull = new PullProgress();
  pull.update(A, progress(40));
  pull.update(A, progress(60));
  expect(pull.verifiedBytes).toBe(60);
});

test('nothing can be said of the end while nothing moves', () => {
  const pull = new PullProgress();
  pull.totalBytes = 100;
  pull.update(A, progress(40, { rateBytesPerSecond: 0 }));
  expect(pull.etaSeconds).toBeNull();
});

test('a model is verifying when every byte is here and the last blob is', () => {
  const pull = new PullProgress();
  pull.totalBytes = 200;
  pull.update(A, progress(100, { state: 'verifying' }));
  expect(pull.isVerifying).toBe(false);
  pull.addHeld(B, 100);
  expect(pull.isVerifying).toBe(true);
});

test('peers come with what they gave in all blobs, most first, and a liar is marked', () => {
  const pull = new PullProgress();
  pull.update(A, progress(1, { sources: [outcome('x', { bytes: 10 }), outcome('y', { bytes: 5, isCorrupt: true })] }));
  pull.update(B, progress(1, { sources: [outcome('y', { bytes: 20, failures: ['peer_stalled'] })] }));
  expect(pull.peers()).toEqual([
    { nodeId: 'y', bytes: 25, failures: 1, dropped: 'bad_piece' },
    { nodeId: 'x', bytes: 10, failures: 0, dropped: undefined },
  ]);
});

test('what no peer gave is its mirror’s, by server, over attempts too, and counts as received', () => {
  const pull = new PullProgress();
  const from = (path: string, bytes: number) =>
    outcome(`mirror https://nas.lan:8443/${path}`, {
      nodeId: undefined,
      bytes,
      failures: ['peer_stalled'],
      lastFailure: path,
    });
  pull.update(A, progress(10, { sources: [from('a', 10)] }));
  pull.settle();
  pull.update(B, progress(20, { sources: [from('b', 20), outcome('x', { bytes: 5 })] }));
  expect(pull.mirrors()).toEqual([{ name: 'mirror https://nas.lan:8443', bytes: 30, failures: 2, reason: 'b' }]);
  expect([pull.receivedBytes, pull.peers().length]).toEqual([35, 1]);
});

test('a rate that fades foretells no end', () => {
  const pull = new PullProgress();
  pull.totalBytes = 100;
  const eta = (rateBytesPerSecond: number) => {
    pull.update(A, progress(40, { rateBytesPerSecond }));
    return pull.etaSeconds;
  };
  expect([1000, 500, 126, 124, 20, 30].map(eta)).toEqual([1, 1, 1, null, null, 2]);
});

test('silence is a rate that only falls after failures, until it rises again', () => {
  const pull = new PullProgress();
  const see = (rateBytesPerSecond: number, failures: number) => {
    const sources = [outcome('a', { failures: Array.from({ length: failures }, () => 'peer_unreachable' as const) })];
    pull.update(A, progress(40, { rateBytesPerSecond, sources }));
    return [pull.isSilent, pull.isMoving];
  };
  expect(see(1e6, 0)).toEqual([false, true]);
  expect(see(1e5, 0)).toEqual([false, true]);
  expect(see(9e4, 1)).toEqual([false, true]);
  expect(see(2e4, 1)).toEqual([false, true]);
  expect(see(1e4, 2)).toEqual([true, false]);
  expect(see(10, 2)).toEqual([true, false]);
  expect(see(5e4, 2)).toEqual([false, true]);
});

test('what peers gave stays theirs when an attempt is over, and adds up with the next', () => {
  const pull = new PullProgress([{ nodeId: 'b' as NodeId, bytes: 5, failures: 1, dropped: undefined }], 5);
  expect([pull.verifiedBytes, pull.receivedBytes]).toEqual([5, 5]);
  pull.update(A, progress(40, { sources: [outcome('a', { bytes: 35 })] }));
  pull.settle();
  expect([pull.rateBytesPerSecond, pull.verifiedBytes, pull.receivedBytes]).toEqual([0, 40, 40]);
  pull.update(A, progress(0, { state: 'pending' }));
  expect(pull.verifiedBytes).toBe(40);
  pull.update(A, progress(60, { sources: [outcome('a', { bytes: 20 })] }));
  expect(pull.peers().map(({ nodeId, bytes }) => [nodeId, bytes])).toEqual([
    ['a', 55],
    ['b', 5],
  ]);
});
