/** What somebody may have meant. Pure. */
import { compareText, editDistance } from '../../core/index.ts';
import { PACKING_LIMITS } from '../limits.ts';

const COMPARED_CHARS = 80;

/** The names that are nearest, best first; those that hold the other, or are held by it, before all. */
export function nearest(wanted: string, known: readonly string[]): string[] {
  return [...new Set(known)]
    .map((name) => ({ name, distance: distanceOf(wanted, name) }))
    .sort((a, b) => a.distance - b.distance || compareText(a.name, b.name))
    .slice(0, PACKING_LIMITS.namesNear)
    .map(({ name }) => name);
}

/** `; the nearest are a, b`, or why there are none. */
export function nearClause(near: readonly string[], none: string): string {
  if (near.length === 0) return none;
  return near.length === 1 ? `the nearest is ${near[0]}` : `the nearest are ${near.join(', ')}`;
}

function distanceOf(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.toLowerCase().slice(-COMPARED_CHARS)) as [string, string];
  return a !== '' && b.includes(a) ? 0 : editDistance(a, b);
}
