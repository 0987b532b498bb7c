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
