import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CONTRACT_VERSION, DAEMON_DEFAULTS, EXIT_CODES, LOG_LEVELS } from '../api/index.ts';
import { captureIo } from './captured-io.fixture.ts';
import type { AnyCommand } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { up } from './commands/up.ts';
import { parseInvocation } from './program.ts';

function examplesOf(commands: readonly AnyCommand[]): string[] {
  return commands.flatMap(({ examples, children = [] }) => [...examples, ...examplesOf(children)]);
}

/** The arguments of each `atmosphere` in a line of shell: bash itself takes it apart. */
function callsIn(example: string): string[][] {
  const script = `folder=$(mktemp -d); cd "$folder"; calls=$folder/calls; trap 'rm -r "$folder"' EXIT
atmosphere() { printf '%s\\0' "$@" >> "$calls"; printf '\\n' >> "$calls"; echo x; }
jq() { cat > /dev/null; }; curl() { :; }; llama-cli() { :; }
${example.replaceAll(/ > \S+( |$)/g, ' > /dev/null ')}
cat "$calls"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(stderr.replaceAll(/.*x: command not found\n/g, '')).toBe('');
  const lines = stdout.split('\n').filter((line) => line.includes('\0'));
  return lines.map((line) => line.split('\0').slice(0, -1));
}

describe('commands', () => {
  test.each(examplesOf(COMMANDS))('the example `%s` is understood', async (example) => {
    const calls = callsIn(example);
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) expect(await parseInvocation(call, captureIo(), '0')).toBeDefined();
  });

  test('global flags may stand before and after the command', async () => {
    for (const argv of [
      ['--json', '--home', '/h', '-q', '--no-color', 'model', 'list'],
      ['model', '--json', '--home', '/h', '--quiet', '--no-color', 'list'],
      ['model', 'list', '--json', '--home', '/h', '--no-color', '-q'],
    ]) {
      const invocation = await parseInvocation(argv, captureIo(), '0');
      expect(invocation?.globals).toEqual({ home: '/h', json: true, quiet: true, color: false });
    }
  });

  test('the help of up tells the defaults that hold', () => {
    const about = (flag: string) => up.options?.find(({ flags }) => flags.startsWith(flag));
    expect(about('--port')?.about).toContain(`default: ${DAEMON_DEFAULTS.httpPort}`);
    expect(about('--mesh-port')?.about).toContain(`default: ${DAEMON_DEFAULTS.meshPort}`);
    expect(about('--agent-port')?.about).toContain(`default: ${DAEMON_DEFAULTS.agentPort}`);
    expect(about('--log-level')?.choices).toEqual([...LOG_LEVELS]);
  });

  test('the spec states the exit codes and the contract version that hold', () => {
    const spec = readFileSync(new URL('../../docs/spec/11-cli.md', import.meta.url), 'utf8');
    for (const [kind, code] of Object.entries(EXIT_CODES)) expect(spec).toContain(`| ${code} | ${kind} |`);
    expect(spec).toContain(`contract version **${CONTRACT_VERSION}**`);
  });
});
