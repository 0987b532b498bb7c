/** What the flags of a staged rollout mean. Each throws CliError `bad_usage` with what was wanted. Pure. */
import { areGrowingWaves } from '../protocol/index.ts';
import { CliError } from './errors.ts';
import { parseDurationWithin } from './parse-values.ts';

const MONTH_S = 30 * 86_400;

/** `1,10%,50%,100%`; a list that does not end with all of them is completed. */
export function parseWaves(text: string): string[] {
  const said = text.split(',').map((wave) => wave.trim());
  const waves = said.at(-1) === '100%' ? said : [...said, '100%'];
  const isEach = waves.every((wave) => /^[1-9]\d{0,5}$|^(100|[1-9]\d?)%$/.test(wave));
  if (isEach && areGrowingWaves(waves) && waves.length <= 32) return waves;
  throw new CliError('bad_usage', 'Wanted waves that grow, as numbers of nodes or shares, like 1,10%,50%,100%');
}

/** `5%` → 0.05. */
export function parseShare(text: string): number {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,3})?)\s*%$/.exec(text.trim()) ?? [];
  const share = Number(digits) / 100;
  if (digits !== undefined && share <= 1) return share;
  throw new CliError('bad_usage', 'Wanted a share of the nodes from 0% to 100%, like 5%');
}

/** Seconds; `0` is no time. */
export function parseSoak(text: string): number {
  return /^0\s*(s|m|min|h)?$/i.test(text.trim())
    ? 0
    : parseDurationWithin(0, MONTH_S, 'a time up to 30d, like 90s, 10m or 0')(text);
}

export const parseNodeTimeout = parseDurationWithin(1, MONTH_S, 'a time from 1s to 30d, like 10m');
