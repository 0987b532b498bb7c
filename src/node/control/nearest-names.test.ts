import { describe, expect, it } from 'vitest';
import { distanceOf, nearestNames } from './nearest-names.ts';

describe('nearestNames()', () => {
  it.each([
    ['gatway', ['edge-1', 'edge-2', 'gateway', 'cloud'], 'the nearest are gateway'],
    ['detector', ['acme/anomaly-detector', 'llama', 'whisper', 'yolo'], 'the nearest are acme/anomaly-detector'],
    ['x', ['only'], 'there is only'],
    ['x', [], 'nothing is known here yet'],
  ])('%s', (wanted, known, told) => {
    expect(nearestNames(wanted, known)).toMatch(new RegExp(`^${told}`));
  });

  it('compares no more of a name than it must', () => {
    expect(distanceOf('a'.repeat(10_000), 'b'.repeat(10_000))).toBe(60);
  });
});
