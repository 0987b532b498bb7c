/** Flags of packages. Each throws CliError `bad_usage` with what was wanted. Pure. */
import { type PackageTier, readTier } from '../protocol/index.ts';
import { CliError } from './errors.ts';

export function parseTier(text: string): PackageTier {
  const tier = readTier(text.trim());
  if (tier !== undefined) return tier;
  throw new CliError('bad_usage', 'Wanted one of the tiers tier_1, tier_2, tier_3');
}

/** Of a flag that the command cannot do without. */
export function needed(value: string | undefined, flag: string): string {
  if (value !== undefined && value !== '') return value;
  throw new CliError('bad_usage', `${flag} is missing`);
}
