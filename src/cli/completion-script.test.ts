import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from './commands/index.ts';
import { makeCompletion } from './completion-script.ts';

/** What bash offers for the last of `words`. */
function complete(...words: string[]): string[] {
  const program = `${makeCompletion('bash', COMMANDS)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _atmosphere; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', program, 'bash', ...words], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('makeCompletion()', () => {
  test('of bash offers commands, and those that begin with what is typed', () => {
    expect(complete('atmosphere', '')).toEqual(expect.arrayContaining(['up', 'model', '--json']));
    expect(complete('atmosphere', 'mod')).toEqual(['model']);
  });

  test('of bash walks into groups, over flags between', () => {
    expect(complete('atmosphere', '--json', 'model', 'pu')).toEqual(['pull', 'push']);
    expect(complete('atmosphere', 'model', 'pull', 'name', '--fr')).toEqual(['--from']);
    expect(complete('atmosphere', 'transfers', 'ca')).toEqual(['cancel']);
  });

  test.each(['zsh', 'fish'] as const)('of %s names every command', (shell) => {
    const script = makeCompletion(shell, COMMANDS);
    for (const word of ['up', 'model pull', 'transfers cancel', 'mesh invite']) expect(script).toContain(`'${word}'`);
  });
});
