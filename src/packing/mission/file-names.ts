/** What the name of a file tells: id, version, domain; and which files a pattern means. Pure. Spec: docs/spec/21-packages.md §13. */

/** `vision_agent-1.2` apart. A number alone is part of the name: `qwen-7` is no version 7. */
const VERSIONED = /^(.+)[-_](?:v(\d[\w.+-]*)|(\d+(?:\.\d+)+(?:[-+][\w.+-]+)?))$/;

export function splitVersionedName(stem: string): { readonly name: string; readonly version?: string } {
  const [, name, afterV, plain] = VERSIONED.exec(stem) ?? [];
  const version = afterV ?? plain;
  return name === undefined || version === undefined ? { name: stem } : { name, version };
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Without its last ending, which a version’s number is not: `forest-1.0` has none. */
export function stemOf(path: string): string {
  return baseOf(path).replace(/\.[A-Za-z][A-Za-z0-9_]*$/, '');
}

/** With its dot; empty where there is none. */
export function endingOf(path: string): string {
  return /\.[A-Za-z][A-Za-z0-9_]*$/.exec(baseOf(path))?.[0] ?? '';
}

/** `defect-catalog.chunks.jsonl` tells of defect-catalog. */
export function domainOf(path: string): string {
  return stemOf(path).replace(/\.chunks$/, '') || baseOf(path);
}

/** `*` and `?` stand for what is within a name, `**` for folders too. A path that is a folder means all in it. */
export function matcherOf(pattern: string): (path: string) => boolean {
  const escaped = pattern
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => WILD[part] ?? part.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&'))
    .join('');
  const matches = new RegExp(`^${escaped}$`);
  return (path) => matches.test(path) || path.startsWith(`${pattern}/`);
}

const WILD: Readonly<Record<string, string>> = { '**/': '(?:[^/]+/)*', '**': '.*', '*': '[^/]*', '?': '[^/]' };
