/** From whom bytes came: peers, and mirrors. Pure. */
import type { PullEvent } from '../api/index.ts';
import { printable } from './display-width.ts';

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
