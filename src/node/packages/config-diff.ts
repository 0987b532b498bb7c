/** How two texts differ, for people: a unified difference, or how much where it would be too long. Pure. */
import { createTwoFilesPatch } from 'diff';
import { PACKAGE_LIMITS } from './limits.ts';

export interface DiffNames {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** Empty for what is no text. */
export function configDiff(before: Uint8Array, after: Uint8Array, names: DiffNames): string {
  const [old, now] = [textOf(before), textOf(after)];
  if (old === undefined || now === undefined) return '';
  if (before.length + after.length > PACKAGE_LIMITS.diffBytes) return tooLong(names);
  const { path } = names;
  const options = { context: 3, maxEditLength: PACKAGE_LIMITS.diffEdits };
  // Versions behind the names would stand behind a tab, which a terminal is not given.
  const named = [`${path} ${names.before}`, `${path} ${names.after}`] as const;
  const patch = createTwoFilesPatch(...named, old, now, undefined, undefined, options);
  return patch === undefined ? tooLong(names) : patch.slice(patch.indexOf('--- '));
}

function tooLong({ path }: DiffNames): string {
  return `${path}: too much of it is different to be shown\n`;
}

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
