/** The contract's words, without the schemas that a command line need not load. */
import type { Transfer } from '../api/index.ts';

export const PRIORITY_WORDS = ['critical', 'high', 'normal', 'low'] as const satisfies Transfer['priority'][];
