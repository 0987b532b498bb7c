/**
 * Versions are free strings: semver where both are (1.10 > 1.9), by date-like fields else. Spec: docs/spec/04-catalog.md
 * §6.
 */
import semver from 'semver';
import { compareText } from '../core/index.ts';
import { ProtocolError } from './errors.ts';

/** Newest last. A version that is neither semver nor has digits sorts first. Total order for sorting. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [toSemver(a), toSemver(b)];
  if (left !== null && right !== null) return semver.compareBuild(left, right) || compareText(a, b);
  return compareFields(a, b);
}

/** True when `version` is in `range`: npm syntax for semver, `latest`, `*`, or the very string. */
export function isInRange(version: string, range: string): boolean {
  if (range === 'latest' || range === '*' || range === '' || range === version) return true;
  const parsed = toSemver(version);
  return parsed !== null && semver.satisfies(parsed, assertRange(range), { includePrerelease: true });
}

/** The newest of `versions` in `range`, or undefined. Throws ProtocolError `invalid_range`. */
export function newestInRange(versions: readonly string[], range: string): string | undefined {
  const fitting = versions.filter((version) => isInRange(version, range));
  return fitting.sort(compareVersions).at(-1);
}

function assertRange(range: string): string {
  const valid = semver.validRange(range);
  if (valid !== null) return valid;
  // A range that is no npm range can still be a free version string; it then matches only itself.
  if (/^[\w.+:-]+$/.test(range)) return '<0.0.0-0';
  throw new ProtocolError('invalid_range', `Reading a version range: ${JSON.stringify(range)} is not like ">=1.2 <2"`);
}

/** `1.2`, `v1.2.3`, `1` read as semver; a date-like run of digits (6 or more) is not. */
function toSemver(version: string): semver.SemVer | null {
  const strict = semver.parse(version);
  if (strict !== null) return strict;
  if (!/^v?\d{1,5}(\.\d{1,5}){0,2}$/.test(version)) return null;
  return semver.coerce(version);
}

function compareFields(a: string, b: string): number {
  const [left, right] = [a.match(/\d+/g) ?? [], b.match(/\d+/g) ?? []];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = Number(left[index] ?? -1) - Number(right[index] ?? -1);
    if (order !== 0) return order;
  }
  return compareText(a, b);
}
