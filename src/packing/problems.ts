/** Several mistakes of one text, told all at once. Pure. */
import { PackingError } from './errors.ts';
import { PACKING_LIMITS } from './limits.ts';

export interface Problem {
  /** From 1. */
  readonly line: number;
  readonly column?: number;
  /** `models.1`. */
  readonly path: string;
  readonly message: string;
}

/** The first in words, all as data. */
export function problemError(
  code: 'bad_mission' | 'pieces_missing',
  doing: string,
  problems: readonly Problem[],
): PackingError {
  const told = problems.toSorted((a, b) => a.line - b.line).slice(0, PACKING_LIMITS.missionProblems);
  const [first] = told;
  const where = first === undefined || first.path === '' ? '' : `line ${first.line}, ${first.path}: `;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return new PackingError(code, `${doing}: ${where}${first?.message ?? 'unusable'}${more}`, {
    data: { problems: told },
  });
}
