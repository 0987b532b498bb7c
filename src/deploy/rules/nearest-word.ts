/** The word that somebody probably meant. Pure. */
import { editDistance } from '../../core/index.ts';

/** The one of `words` with the fewest changed letters, where those are few; undefined when none is near. */
export function nearestWord(word: string, words: readonly string[]): string | undefined {
  const near = words
    .map((candidate) => ({ candidate, distance: distanceOf(word, candidate) }))
    .filter(({ distance, candidate }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return near[0]?.candidate;
}

/** Words of very different length are not compared. */
function distanceOf(word: string, candidate: string): number {
  if (Math.abs(word.length - candidate.length) > 8) return Number.POSITIVE_INFINITY;
  return editDistance(word, candidate);
}
