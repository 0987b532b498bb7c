/**
 * What runtimes and systems say, fit to be shown and told to other nodes: one line, no control characters, not endless, and of
 * files only their names. Pure. Spec: docs/spec/17-deployment.md §5.3.
 */
import { RUNTIMES_LIMITS } from './limits.ts';

const ANSI_COLOR = /\p{Cc}\[[0-9;]*m/gu;
const NOT_PLAIN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu;
/** Two folders or more; what begins in the middle of a word is no path. */
const PATH = /(?<![\w.:/])(?:[A-Za-z]:)?(?:[\\/][^\s\\/"'():,]+){2,}/g;

/** `folders`: those whose names may have spaces, or be of another form than a path's usual one. */
export function toWords(said: string, ...folders: readonly string[]): string {
  const known = folders.reduce((text, folder) => text.replaceAll(`${folder}/`, '').replaceAll(folder, ''), said);
  const line = known
    .replaceAll(ANSI_COLOR, '')
    .replaceAll(PATH, (path) => path.split(/[\\/]/).at(-1) ?? '')
    .replaceAll(NOT_PLAIN, ' ')
    .trim();
  const { runtimeWordsChars } = RUNTIMES_LIMITS;
  return line.length <= runtimeWordsChars ? line : `${line.slice(0, runtimeWordsChars)}…`;
}
