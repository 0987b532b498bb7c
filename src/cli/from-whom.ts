/** From whom bytes came: peers, and mirrors. Pure. */
import type { PullEvent } from '../api/index.ts';
import { printable } from './display-width.ts';
import { formatClock } from './format.ts';

export interface Giver {
  readonly name: string;
  readonly bytes: number;
}

const NAMED = 3;

/** Who gave anything and was not dropped, most first. */
export function giversOf({ peers = [], mirrors = [] }: Pick<PullEvent, 'peers' | 'mirrors'>): Giver[] {
  const good = peers.filter(({ dropped }) => dropped === undefined);
  return [...good, ...mirrors].filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
}

/** Of mirrors that failed and gave nothing: their owner is the only one who can help. */
export function mirrorReasons({ mirrors = [] }: Pick<PullEvent, 'mirrors'>): string | undefined {
  const failed = mirrors.filter(({ bytes, reason }) => bytes === 0 && reason !== undefined);
  return failed.length === 0 ? undefined : listNames(failed.map(({ name, reason }) => `${name}: ${reason}`));
}

/** While nobody who has it can be reached. */
export function describeWaiting(leftSeconds: number, given: Pick<PullEvent, 'mirrors'>, hint = ''): string {
  const reasons = mirrorReasons(given);
  const why = reasons === undefined ? '' : `; ${reasons}`;
  return `waiting for a peer that has it (${formatClock(leftSeconds)} left${hint})${why}`;
}

/** `a, b, c and 9 more`. */
export function listNames(names: readonly string[]): string {
  return listSome(names.map(printable));
}

/** `a 60%, b 40%`; one alone needs no number. */
export function listShares(givers: readonly Giver[]): string {
  const sum = givers.reduce((total, { bytes }) => total + bytes, 0);
  if (givers.length <= 1) return listNames(givers.map(({ name }) => name));
  return listSome(givers.map(({ name, bytes }) => `${printable(name)} ${Math.round((100 * bytes) / sum)}%`));
}

function listSome(words: readonly string[]): string {
  if (words.length <= NAMED + 1) return words.join(', ');
  return `${words.slice(0, NAMED).join(', ')} and ${words.length - NAMED} more`;
}
