/** What somebody may have meant. Pure. */
import { editDistance } from '../../core/index.ts';

const TOLD = 3;
/** Of names that others choose, and of which there may be thousands. */
const COMPARED_CHARS = 60;

/** A clause for an error: the nearest names, or all where there are few. */
export function nearestNames(wanted: string, known: readonly string[]): string {
  const names = [...new Set(known)];
  if (names.length === 0) return 'nothing is known here yet';
  const near = nearestOf(wanted, names);
  return names.length <= TOLD ? `there is ${near.join(', ')}` : `the nearest are ${near.join(', ')}`;
}

/** The names that are nearest, best first. */
export function nearestOf(wanted: string, known: readonly string[]): string[] {
  return [...new Set(known)]
    .map((name) => ({ name, distance: distanceOf(wanted, name) }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, TOLD)
    .map(({ name }) => name);
}

/** What is inside the other counts as nearest. */
export function distanceOf(one: string, other: string): number {
  const a = one.toLowerCase().slice(0, COMPARED_CHARS);
  const b = other.toLowerCase().slice(0, COMPARED_CHARS);
  if (a !== '' && b.includes(a)) return 0;
  return editDistance(a, b);
}
