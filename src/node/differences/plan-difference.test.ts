import { describe, expect, it } from 'vitest';
import { GB, MB } from '../../core/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { assumedRate, type FileToGet, isWorthAsking, isWorthTaking, isWorthWaiting } from './plan-difference.ts';

const HUNDRED_MBIT = 12.5 * MB;
const file: FileToGet = { sizeBytes: GB, heldBytes: 0, choice: undefined, rateBytesPerSecond: HUNDRED_MBIT };
const small = { totalBytes: 30 * MB, links: 1 };

describe('isWorthAsking()', () => {
  it('says no for what is small, unless it is insisted on, and never against the user', () => {
    expect(isWorthAsking({ sizeBytes: GB, choice: undefined })).toBe(true);
    expect(isWorthAsking({ sizeBytes: GB, choice: 'never' })).toBe(false);
    expect(isWorthAsking({ sizeBytes: MB, choice: undefined })).toBe(false);
    expect(isWorthAsking({ sizeBytes: MB, choice: 'always' })).toBe(true);
    expect(isWorthAsking({ sizeBytes: 10, choice: 'always' })).toBe(false);
  });
});

describe('isWorthTaking()', () => {
  it('takes it over a slow link and the whole file over a fast one', () => {
    expect(isWorthTaking(file, small)).toBe(true);
    expect(isWorthTaking({ ...file, rateBytesPerSecond: 2 * GB }, small)).toBe(false);
  });

  it('takes no difference above 70 % of the file, whoever insists', () => {
    expect(isWorthTaking({ ...file, choice: 'always' }, { totalBytes: 0.71 * GB, links: 1 })).toBe(false);
    expect(isWorthTaking({ ...file, choice: 'always' }, { totalBytes: 0.69 * GB, links: 1 })).toBe(true);
  });

  it('goes on with a whole file of which most is here', () => {
    expect(isWorthTaking({ ...file, heldBytes: 0.99 * GB }, small)).toBe(false);
  });

  it('counts each file that a chain writes', () => {
    const fast = { ...file, rateBytesPerSecond: 120 * MB };
    expect(isWorthTaking(fast, small)).toBe(true);
    expect(isWorthTaking(fast, { ...small, links: 4 })).toBe(false);
  });

  it('takes it at any speed when it is insisted on', () => {
    expect(isWorthTaking({ ...file, rateBytesPerSecond: 100 * GB, choice: 'always' }, small)).toBe(true);
  });
});

describe('isWorthWaiting()', () => {
  it('waits where making it and getting it is sooner than all of it', () => {
    expect(isWorthWaiting(file, 0, 0)).toBe(true);
    expect(isWorthWaiting({ ...file, rateBytesPerSecond: 120 * MB }, 0, 0)).toBe(false);
    expect(isWorthWaiting({ ...file, rateBytesPerSecond: 120 * MB }, 100, 0)).toBe(true);
  });

  it('does not wait for longer than the whole file would have taken', () => {
    expect(isWorthWaiting(file, 50, 81_000)).toBe(false);
    expect(isWorthWaiting({ ...file, choice: 'always' }, 50, 81_000)).toBe(true);
    expect(isWorthWaiting({ ...file, choice: 'always' }, 50, NODE_LIMITS.differenceWaitMs)).toBe(false);
  });
});

describe('assumedRate()', () => {
  it('is less the farther away', () => {
    const rates = [0, 1, 2, 3].map(assumedRate);
    expect(rates).toEqual(rates.toSorted((a, b) => b - a));
  });
});
