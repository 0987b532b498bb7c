/** The command that starts agents, as one types it: words, without a shell. Spec: docs/spec/23-agents.md §1. Pure. */
import { isAbsolute, resolve } from 'node:path';
import { CliError } from './errors.ts';

const EXAMPLE = "'llamafarm agent run {path}'";
/** Signs that a shell would read, and nobody does here. */
const SHELL_SIGNS = '|&;<>()$`';

/** Throws CliError `bad_usage`. */
export function parseAgentRunner(text: string): readonly string[] {
  const words = text.trimStart().startsWith('[') ? parseArray(text) : cutWords(text);
  if (words.length > 0) return words;
  throw wanted(`a command like ${EXAMPLE}`);
}

/** A program that is named by its place is looked for where `up` is called, not where the daemon happens to be. */
export function runnerFrom(cwd: string, [program = '', ...rest]: readonly string[]): readonly string[] {
  const isPlace = /[\\/]/.test(program) && !isAbsolute(program);
  return [isPlace ? resolve(cwd, program) : program, ...rest];
}

function parseArray(text: string): readonly string[] {
  try {
    const words = JSON.parse(text) as unknown;
    if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
  } catch {
    // What it is not is said below.
  }
  throw wanted('a JSON array of texts, like ["llamafarm","agent","run","{path}"]');
}

function cutWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    if (char === '\\' && quote !== "'") {
      at += 1;
      if (at >= text.length) throw wanted('something behind the last backslash');
      word = (word ?? '') + (text[at] as string);
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (SHELL_SIGNS.includes(char)) {
      throw wanted(`no ${char} outside of quotes: no shell reads it`);
    } else word = (word ?? '') + char;
  }
  if (quote !== '') throw wanted(`a ${quote} that ends it`);
  return word === undefined ? words : [...words, word];
}

function wanted(what: string): CliError {
  return new CliError('bad_usage', `Wanted ${what}`);
}
