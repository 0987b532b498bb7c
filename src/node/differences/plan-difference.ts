/**
 * Is a difference worth it, and worth waiting for? Pure. A difference costs its bytes on the wire and the writing of the whole file again;
 * the whole file costs its bytes alone, so on a fast network it is sooner here. Spec: docs/spec/22-differences.md §7.3.
 */
import { isWorthIt } from '../../delta/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { DifferenceChoice } from '../pull/ports.ts';

export interface FileToGet {
  readonly sizeBytes: number;
  /** Of it, from an earlier pull. */
  readonly heldBytes: number;
  /** What the user said; undefined leaves it to the plan. */
  readonly choice: DifferenceChoice | undefined;
  /** What comes from the peers, as far as it was measured or is held back. */
  readonly rateBytesPerSecond: number;
}

export interface OfferedChain {
  readonly totalBytes: number;
  /** How many files are written on the way. */
  readonly links: number;
}

export function isWorthAsking({ sizeBytes, choice }: Pick<FileToGet, 'sizeBytes' | 'choice'>): boolean {
  if (choice === 'never') return false;
  return sizeBytes >= (choice === 'always' ? NODE_LIMITS.differenceLeastChosenBytes : NODE_LIMITS.differenceLeastBytes);
}

export function isWorthTaking(file: FileToGet, { totalBytes, links }: OfferedChain): boolean {
  if (!isWorthIt(totalBytes, file.sizeBytes)) return false;
  return file.choice === 'always' || isSooner(file, differenceMs(file, totalBytes, links));
}

/** One that a peer makes now. `waitedMs`: since it was first asked. */
export function isWorthWaiting(file: FileToGet, percent: number, waitedMs: number): boolean {
  if (waitedMs >= NODE_LIMITS.differenceWaitMs) return false;
  if (file.choice === 'always') return true;
  const left = (file.sizeBytes * (100 - percent)) / 100;
  const makingMs = (left * 1000) / NODE_LIMITS.differenceMakeRate;
  const guessedBytes = file.sizeBytes * NODE_LIMITS.differenceGuess;
  // One that is slower than it should be is not waited for longer than the whole file would take.
  return waitedMs < fullMs(file) && isSooner(file, makingMs + differenceMs(file, guessedBytes, 1));
}

/** Where nothing was measured: this machine, its network, or elsewhere. */
export function assumedRate(distance: number): number {
  const { localRate, networkRate, distantRate } = NODE_LIMITS;
  return [localRate, networkRate][distance] ?? distantRate;
}

function isSooner(file: FileToGet, ms: number): boolean {
  return ms <= fullMs(file) * NODE_LIMITS.differenceGain;
}

function fullMs({ sizeBytes, heldBytes, rateBytesPerSecond }: FileToGet): number {
  return ((sizeBytes - heldBytes) * 1000) / rateBytesPerSecond;
}

function differenceMs({ sizeBytes, rateBytesPerSecond }: FileToGet, totalBytes: number, links: number): number {
  return (totalBytes * 1000) / rateBytesPerSecond + (sizeBytes * links * 1000) / NODE_LIMITS.differenceApplyRate;
}
