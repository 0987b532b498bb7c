/**
 * The command that starts an agent: words that the node's owner gave, with places for what is to be started. A package can fill
 * the places and nothing else: no shell reads them, a value is never split, never an option and never the program. Spec:
 * docs/spec/23-agents.md §1. Pure.
 */
import { AgentsError } from './errors.ts';
import { AGENTS_LIMITS } from './limits.ts';
import type { WantedAgent } from './wanted-agent.ts';

/** A program and its arguments. */
export type AgentRunner = readonly string[];

const PLACES = ['path', 'id', 'version', 'package'] as const;
const PLACE = /\{([A-Za-z_]+)\}/g;
const VALUE = /^[\p{L}\p{N}][\p{L}\p{N} ._+/@:~-]*$/u;

/** Throws AgentsError `bad_runner`. */
export function checkRunner(words: readonly unknown[]): AgentRunner {
  const { runnerWords, runnerWordBytes } = AGENTS_LIMITS;
  if (words.length === 0) throw bad('it is empty', 'a program and its arguments');
  if (words.length > runnerWords) throw bad(`it has ${words.length} words`, `at most ${runnerWords}`);
  const texts = words.map((word) => {
    if (typeof word !== 'string' || word.includes('\0')) throw bad('a word of it is no text', 'texts without NUL');
    if (Buffer.byteLength(word) > runnerWordBytes) throw bad('a word of it is too long', `${runnerWordBytes} bytes`);
    return word;
  });
  const [program = '', ...rest] = texts;
  if (program.trim() === '' || placesIn(program).length > 0)
    throw bad(`its program is ${JSON.stringify(program)}`, 'a program of this machine, not one that a package names');
  checkPlaces(rest);
  return texts;
}

/** The words to run for an agent, or why it is not run. */
export function commandFor(
  runner: AgentRunner,
  agent: WantedAgent,
): { readonly words: AgentRunner } | { readonly refused: string } {
  const values: Record<string, string> = {
    path: agent.path,
    id: agent.id,
    version: agent.version,
    package: agent.packageId,
  };
  for (const name of ['id', 'version', 'package']) {
    const value = values[name] ?? '';
    if (!VALUE.test(value) || value.length > AGENTS_LIMITS.valueChars)
      return { refused: `its ${name} ${JSON.stringify(value.slice(0, 60))} is none that goes into a command` };
  }
  if (!VALUE.test(placeOf(agent)))
    return { refused: `its file ${JSON.stringify(placeOf(agent).slice(0, 60))} is none that goes into a command` };
  if (!agent.path.startsWith('/') && !/^[A-Za-z]:\\/.test(agent.path)) return { refused: 'its path is not absolute' };
  return { words: runner.map((word) => word.replaceAll(PLACE, (_, name: string) => values[name] ?? '')) };
}

/** The part of its path that the package chose: whoever hands it on to a shell hands on no command of the package's. */
function placeOf({ path, folder }: WantedAgent): string {
  return path.startsWith(folder) ? path.slice(folder.length + 1).replaceAll('\\', '/') : path;
}

function checkPlaces(words: readonly string[]): void {
  const places = words.flatMap(placesIn);
  const unknown = places.find((name) => !PLACES.some((place) => place === name));
  const all = PLACES.map((name) => `{${name}}`).join(', ');
  if (unknown !== undefined) throw bad(`it has a place {${unknown}}`, all);
  if (!places.some((name) => name === 'path' || name === 'id'))
    throw bad('it would be the same for every agent', '{path} or {id} among its arguments');
}

function placesIn(word: string): string[] {
  return [...word.matchAll(PLACE)].map(([, name = '']) => name);
}

function bad(what: string, wanted: string): AgentsError {
  return new AgentsError('bad_runner', `Reading the agent runner: ${what}, wanted ${wanted}`);
}
