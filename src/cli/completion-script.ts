/** Completion scripts, made from the command data. Pure. */
import type { AnyCommand } from './command.ts';
import { GLOBAL_OPTIONS } from './option.ts';

export const COMPLETION_SHELLS = ['bash', 'zsh', 'fish'] as const;
export type CompletionShell = (typeof COMPLETION_SHELLS)[number];

/** What may follow at one place: `path` is the commands so far, `''` at the start. */
interface Place {
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

export function makeCompletion(shell: CompletionShell, commands: readonly AnyCommand[]): string {
  const places = placesOf('', commands);
  if (shell === 'bash') return makeBash(places);
  return shell === 'zsh' ? makeZsh(places) : makeFish(places);
}

function placesOf(path: string, commands: readonly AnyCommand[], own: AnyCommand | undefined = undefined): Place[] {
  const options = [...(own !== undefined && 'run' in own ? (own.options ?? []) : []), ...GLOBAL_OPTIONS];
  const words = [
    ...commands.map(({ usage, about }) => ({ word: nameOf(usage), about })),
    ...options.map(({ flags, about }) => ({ word: longFlagOf(flags), about })),
    { word: '--help', about: 'help' },
  ];
  const deeper = commands.flatMap((command) =>
    placesOf(`${path} ${nameOf(command.usage)}`.trim(), command.children ?? [], command),
  );
  return [{ path, words }, ...deeper];
}

function nameOf(usage: string): string {
  return usage.split(' ', 1)[0] ?? usage;
}

function longFlagOf(flags: string): string {
  return /--[\w-]+/.exec(flags)?.[0] ?? flags;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}

function casesOf(places: readonly Place[], toCase: (place: Place) => string, indent: string): string {
  return places.map((place) => `${indent}${toCase(place)}`).join('\n');
}

/** Arms that walk from a path to the next when a word names a command there. */
function pathArms(places: readonly Place[]): string {
  return places
    .filter(({ path }) => path !== '')
    .map(({ path }) => quote(path))
    .join('|');
}

function makeBash(places: readonly Place[]): string {
  const toCase = ({ path, words }: Place) =>
    `${quote(path)}) words=${quote(words.map(({ word }) => word).join(' '))} ;;`;
  return `# bash completion of atmosphere
_atmosphere() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at='' next words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${at:+$at }\${COMP_WORDS[i]}"
    case "$next" in ${pathArms(places)}) at=$next ;; esac
  done
  case "$at" in
${casesOf(places, toCase, '    ')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _atmosphere atmosphere`;
}

function makeZsh(places: readonly Place[]): string {
  const toWord = ({ word, about }: Place['words'][number]) => quote(`${word}:${about.replaceAll(':', '\\:')}`);
  const toCase = ({ path, words }: Place) => `${quote(path)}) found=(${words.map(toWord).join(' ')}) ;;`;
  return `#compdef atmosphere
_atmosphere() {
  local at='' next i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    next="\${at:+$at }\${words[i]}"
    case "$next" in ${pathArms(places)}) at=$next ;; esac
  done
  case "$at" in
${casesOf(places, toCase, '    ')}
  esac
  _describe 'atmosphere' found || _files
}
if [ "$funcstack[1]" = _atmosphere ]; then _atmosphere "$@"; else compdef _atmosphere atmosphere; fi`;
}

function makeFish(places: readonly Place[]): string {
  const toLines = ({ path, words }: Place) =>
    words.map(({ word, about }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${quote(word)}`;
      return `complete -c atmosphere -n "__atmosphere_at ${quote(path)}" ${what} -d ${quote(about)}`;
    });
  return `# fish completion of atmosphere
function __atmosphere_at
  set -l at ''
  set -l tokens (commandline -opc)
  for word in $tokens[2..-1]
    set -l next (string trim -- "$at $word")
    switch "$next"
      case ${pathArms(places).replaceAll('|', ' ')}
        set at "$next"
    end
  end
  test "$at" = "$argv[1]"
end
${places.flatMap(toLines).join('\n')}`;
}
