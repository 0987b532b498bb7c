import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DAEMON_FILE, TOKEN_FILE } from '../api/index.ts';
import { capture } from './captured-io.fixture.ts';
import type { AnyCommand } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { announce, errorBody, lines, makeHome, openFakeDaemon } from './fake-daemon.fixture.ts';
import { makeRow, makeTransfer } from './samples.fixture.ts';

async function emptyHome(): Promise<string> {
  const home = await makeHome();
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

describe('usage', () => {
  test('a command without its group is told the group', async () => {
    const { code, stderr } = await capture(['pull', 'org/llama3']);
    expect(code).toBe(2);
    expect(stderr).toContain("Unknown command 'pull'; did you mean model pull?");
  });

  test('help of a command in a group is that command’s help', async () => {
    const { code, stdout } = await capture(['help', 'model', 'pull']);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: atmosphere model pull ');
  });

  function pathsOf(commands: readonly AnyCommand[], before: string[] = []): string[][] {
    return commands.flatMap((command) => {
      const path = [...before, command.usage.split(' ')[0] ?? ''];
      return [path, ...pathsOf(command.children ?? [], path)];
    });
  }

  test.each(pathsOf(COMMANDS).map((path) => [path.join(' '), path]))(
    '%s --help shows examples and exits 0',
    async (_name, path) => {
      const { code, stdout } = await capture([...path, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain('Examples:\n  ');
      expect(stdout).toContain('--home <dir>');
    },
  );

  test('no arguments show the help', async () => {
    const { code, stdout } = await capture([]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: atmosphere/);
  });

  test.each([
    [['statsu'], 'did you mean status?', 'atmosphere --help'],
    [['model', 'pul', 'x'], 'did you mean pull?', 'atmosphere model --help'],
    [['up', '--detahc'], 'did you mean --detach?', 'atmosphere up --help'],
    [['model', 'pull'], 'wanted its name, or what it should be able to do', 'atmosphere model pull --help'],
    [['model', 'push', 'x'], 'wanted whom it is for', 'atmosphere model push --help'],
    [['audit', '--since', 'yesterday'], 'how long ago', 'atmosphere audit --help'],
    [['mesh'], 'A command is missing', 'atmosphere mesh --help'],
    [['status', 'extra'], 'Too many arguments', 'atmosphere status --help'],
    [['up', '--quota', 'lots'], 'Wanted a size like', 'atmosphere up --help'],
    [['up', '--log-level', 'loud'], 'Allowed choices are debug, info', 'atmosphere up --help'],
    [['up', '--home'], 'argument missing', 'atmosphere up --help'],
  ])('%j is refused with the nearest right thing', async (argv, message, help) => {
    const { code, stdout, stderr } = await capture(argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).toContain(`try: ${help}`);
  });

  test('a usage error with --json is a document on stdout', async () => {
    const { code, documents } = await capture(['model', 'lst', '--json']);
    expect(code).toBe(2);
    expect(documents).toEqual([{ error: expect.objectContaining({ code: 'bad_usage', kind: 'usage' }) }]);
  });

  test.each([
    ['model', 'pull', '../x'],
    ['model', 'share', 'x'],
    ['completion', 'tcsh'],
  ])('%s %s %s exits 2', async (...argv) => {
    expect((await capture(argv)).code).toBe(2);
  });
});

describe('finding the daemon', () => {
  test('without one says so, with the next command, and exits 5', async () => {
    const home = await emptyHome();
    const { code, stderr, stdout } = await capture(['status', '--home', home]);
    expect(code).toBe(5);
    expect(stdout).toBe('');
    expect(stderr).toBe(`error: No daemon is running for ${home}\ntry: atmosphere --home ${home} up --detach\n`);
  });

  test('the home is --home, else ATMOSPHERE_HOME, else ~/.atmosphere', async () => {
    expect((await capture(['status'])).stderr).toContain('/nobody/.atmosphere');
    expect((await capture(['status'], { env: { ATMOSPHERE_HOME: 'rel' } })).stderr).toContain('/work-dir/rel');
    const flag = await capture(['--home', '/a', 'status'], { env: { ATMOSPHERE_HOME: '/b' } });
    expect(flag.stderr).toContain('for /a\n');
  });

  test('a file whose process is gone counts as none', async () => {
    await using daemon = await openFakeDaemon({}, { pid: 2 ** 22 + 1 });
    const { code, documents } = await capture(['status', '--home', daemon.home, '--json']);
    expect(code).toBe(5);
    expect(documents).toEqual([{ error: expect.objectContaining({ code: 'daemon_unreachable' }) }]);
    expect(daemon.asked).toEqual([]);
  });

  test('a process that does not answer is unreachable', async () => {
    const home = await emptyHome();
    await announce(home, 'http://127.0.0.1:1', process.pid);
    const { code, stderr } = await capture(['status', '--home', home]);
    expect(code).toBe(5);
    expect(stderr).toMatch(/Asking the daemon at http:\/\/127\.0\.0\.1:1: /);
  });

  test('a token is sent to no host but loopback', async () => {
    const home = await emptyHome();
    await announce(home, 'http://192.0.2.1:14345', process.pid);
    const { code, documents } = await capture(['status', '--home', home, '--json']);
    expect(code).toBe(1);
    expect(documents).toEqual([{ error: expect.objectContaining({ code: 'bad_daemon_file' }) }]);
  });

  test.each(['', '{', 'null', '{"pid":-1}', '[]'])('a daemon file of %j is an error, not a crash', async (text) => {
    const home = await emptyHome();
    await announce(home, 'http://127.0.0.1:1', process.pid);
    await writeFile(join(home, DAEMON_FILE), text);
    const { documents } = await capture(['status', '--home', home, '--json']);
    expect(documents).toEqual([{ error: expect.objectContaining({ code: 'bad_daemon_file' }) }]);
  });

  test('a token that is not there is a storage error', async () => {
    await using daemon = await openFakeDaemon({});
    await rm(join(daemon.home, TOKEN_FILE));
    expect((await capture(['status', '--home', daemon.home])).code).toBe(7);
  });

  test('a wrong answer of another version is an error, not a crash', async () => {
    await using daemon = await openFakeDaemon({ 'GET /api/v1/status': () => ({ hello: 1 }) });
    const { documents, code } = await capture(['status', '--home', daemon.home, '--json']);
    expect(code).toBe(1);
    expect(documents).toEqual([{ error: expect.objectContaining({ code: 'bad_answer' }) }]);
  });

  test('an interrupt while waiting exits 130', async () => {
    const interrupt = new AbortController();
    await using daemon = await openFakeDaemon({
      'GET /api/v1/status': ({ gone }) => {
        interrupt.abort();
        return new Promise((resolve) => gone.addEventListener('abort', () => resolve({})));
      },
    });
    const { code, documents } = await capture(['status', '--home', daemon.home, '--json'], {
      interrupted: interrupt.signal,
    });
    expect(code).toBe(130);
    expect(documents).toEqual([{ error: expect.objectContaining({ code: 'interrupted', kind: 'cancelled' }) }]);
  });

  test('down without a daemon is no error', async () => {
    const { code, documents } = await capture(['down', '--home', await emptyHome(), '--json']);
    expect(code).toBe(0);
    expect(documents).toEqual([{ stopped: false, pid: null, killed: false }]);
  });

  test('doctor without a daemon checks what it can', async () => {
    const { code, documents } = await capture(['doctor', '--home', await emptyHome(), '--json']);
    expect(code).toBe(0);
    const [{ checks } = {}] = documents as { checks?: { name: string; state: string }[] }[];
    expect(checks?.map(({ name }) => name)).toEqual(['Node.js', 'home', 'disk', 'daemon', 'port']);
  });

  test('doctor says a thing once, and repeats --home in its advice', async () => {
    const home = await emptyHome();
    const without = await capture(['doctor', '--home', home]);
    expect(without.stdout).toContain(`try: atmosphere --home ${home} up --detach`);
    await using daemon = await openFakeDaemon({
      'GET /api/v1/doctor': () => ({ checks: [{ name: 'disk', state: 'ok', detail: '9 GB free for models' }] }),
    });
    const { documents } = await capture(['doctor', '--home', daemon.home, '--json']);
    const [{ checks }] = documents as [{ checks: { name: string; detail: string }[] }];
    expect(checks.filter(({ name }) => name === 'disk').map(({ detail }) => detail)).toEqual(['9 GB free for models']);
  });

  test('doctor exits 1 when a check of the daemon fails', async () => {
    await using daemon = await openFakeDaemon({
      'GET /api/v1/doctor': () => ({
        checks: [{ name: 'clock', state: 'fail', detail: 'off by a day', try: 'ntpdate' }],
      }),
    });
    const { code, stdout } = await capture(['doctor', '--home', daemon.home]);
    expect(code).toBe(1);
    expect(stdout).toContain('fail  clock: off by a day\n      try: ntpdate\n');
  });
});

describe('exit codes', () => {
  test.each([
    ['internal', 1],
    ['usage', 2],
    ['not_found', 3],
    ['integrity', 4],
    ['unreachable', 5],
    ['refused', 6],
    ['storage', 7],
  ] as const)('an error of kind %s exits %d', async (kind, exitCode) => {
    await using daemon = await openFakeDaemon({
      'GET /api/v1/models/info': () => {
        throw errorBody(kind, 'it did not work');
      },
    });
    const { code, documents, stderr } = await capture(['model', 'info', 'x', '--home', daemon.home, '--json']);
    expect(code).toBe(exitCode);
    expect(documents).toEqual([{ error: expect.objectContaining({ kind, message: 'it did not work' }) }]);
    expect(stderr).toContain('error: it did not work');
  });

  test('several models that fit are listed as they can be named', async () => {
    const variants = [makeRow(), makeRow({ sha256: 'b'.repeat(64) }), makeRow({ version: '2' })];
    await using daemon = await openFakeDaemon({
      'GET /api/v1/models/info': () => {
        throw errorBody('usage', 'Three models fit', { variants });
      },
    });
    const { stderr } = await capture(['model', 'info', 'org/llama3', '--home', daemon.home]);
    expect(stderr).toContain(
      '  org/llama3@sha256:9f86d081884c  (version 1.2.0)\n  org/llama3@sha256:bbbbbbbbbbbb  (version 1.2.0)\n  org/llama3@2\n',
    );
  });
});

describe('mesh', () => {
  const answer = { code: 'atm1-abc', role: 'member', uses: 1, expires_at: '2026-01-02T00:00:00.000Z' };

  test('invite --json has the code, and sends what the flags say', async () => {
    let sent: unknown;
    await using daemon = await openFakeDaemon({
      'POST /api/v1/mesh/invites': ({ body }) => {
        sent = body;
        return answer;
      },
    });
    const flags = ['--role', 'camera', '--expires', '7d', '--uses', '20'];
    const { documents } = await capture(['mesh', 'invite', ...flags, '--json', '--home', daemon.home]);
    expect(documents).toEqual([answer]);
    expect(sent).toEqual({ role: 'camera', expires_s: 604_800, uses: 20 });
  });

  test('invite prints the code alone on stdout, the rest on stderr', async () => {
    await using daemon = await openFakeDaemon({ 'POST /api/v1/mesh/invites': () => answer });
    const { stdout, stderr } = await capture(['mesh', 'invite', '--home', daemon.home]);
    expect(stdout).toBe('atm1-abc\n');
    expect(stderr).toContain('atmosphere join CODE');
    expect((await capture(['mesh', 'invite', '-q', '--home', daemon.home])).stderr).toBe('');
  });

  test('join tells a refused code by exit code 6', async () => {
    await using daemon = await openFakeDaemon({
      'POST /api/v1/mesh/join': () => {
        throw errorBody('refused', 'Joining: the invite has expired');
      },
    });
    const { code, stderr } = await capture(['join', 'atm1-abc', '--home', daemon.home]);
    expect(code).toBe(6);
    expect(stderr).toContain('error: Joining: the invite has expired\n');
  });

  test('join - takes the code from stdin', async () => {
    const bodies: unknown[] = [];
    await using daemon = await openFakeDaemon({
      'POST /api/v1/mesh/join': ({ body }) => {
        bodies.push(body);
        return { mesh_id: 'm', name: 'n', role: 'member', inviter: 'i' };
      },
    });
    expect((await capture(['join', '-', '--home', daemon.home], { stdin: 'atm1-abc' })).code).toBe(0);
    expect(bodies).toEqual([{ code: 'atm1-abc' }]);
  });
});

test('a name that a peer chose cannot move the cursor, in any text', async () => {
  await using daemon = await openFakeDaemon({
    'POST /api/v1/mesh/join': () => ({ mesh_id: 'm', name: 'a\u001b[2Jb', role: 'r', inviter: '\u001b]0;title\u0007' }),
  });
  const { stdout, stderr } = await capture(['join', 'atm1-abc', '--home', daemon.home], { columns: 100 });
  expect(stdout + stderr).not.toContain('\u001b');
  expect(stdout).toContain('joined a\ufffd[2Jb as r');
});

describe('model', () => {
  test('list --json has the contract and its rows', async () => {
    await using daemon = await openFakeDaemon({
      'GET /api/v1/models': ({ url }) => {
        expect(url.searchParams.get('scope')).toBe('mesh');
        return { contract: 1, models: [makeRow()] };
      },
    });
    const { documents } = await capture(['model', 'list', '--mesh', '--json', '--home', daemon.home]);
    expect(documents).toEqual([{ contract: 1, models: [makeRow()] }]);
  });

  test('list fits the terminal, and keeps a peer from writing to it', async () => {
    await using daemon = await openFakeDaemon({
      'GET /api/v1/models': () => ({ contract: 1, models: [makeRow({ nodes: ['evil\u001b[2J', 'x'.repeat(100)] })] }),
    });
    const { stdout } = await capture(['model', 'list', '--home', daemon.home, '--no-color'], { columns: 90 });
    expect(stdout).not.toContain('\u001b');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(90);
  });

  test('NO_COLOR and --no-color leave no escape; a terminal without them gets colour', async () => {
    await using daemon = await openFakeDaemon({ 'GET /api/v1/models': () => ({ contract: 1, models: [makeRow()] }) });
    const argv = ['model', 'list', '--home', daemon.home];
    expect((await capture(argv, { columns: 120 })).stdout).toContain('\u001b[1m');
    expect((await capture(argv, { columns: 120, env: { NO_COLOR: '1' } })).stdout).not.toContain('\u001b');
    expect((await capture(['--no-color', ...argv], { columns: 120 })).stdout).not.toContain('\u001b');
    expect((await capture(argv)).stdout).not.toContain('\u001b');
  });

  test('import --json prints the row of one model, and makes the path absolute', async () => {
    let sent: unknown;
    await using daemon = await openFakeDaemon({
      'POST /api/v1/models/import': ({ body }) => {
        sent = body;
        return lines(
          { event: 'progress', done_bytes: 1, total_bytes: 2, path: '/work-dir/m.gguf' },
          { event: 'model', model: makeRow() },
          { event: 'completed' },
        );
      },
    });
    const argv = ['model', 'import', 'm.gguf', '--name', 'a/b', '--version', '1.4', '--capability', 'chat', '--json'];
    const { documents, code } = await capture([...argv, '--home', daemon.home]);
    expect(code).toBe(0);
    expect(documents).toEqual([makeRow()]);
    expect(sent).toEqual({ path: '/work-dir/m.gguf', name: 'a/b', version: '1.4', capabilities: ['chat'] });
  });

  test('import --json of several models prints them in one document', async () => {
    await using daemon = await openFakeDaemon({
      'POST /api/v1/models/import': () =>
        lines(
          { event: 'model', model: makeRow() },
          { event: 'model', model: makeRow({ version: '2' }) },
          { event: 'completed' },
        ),
    });
    const { documents } = await capture(['model', 'import', 'd', '--json', '--home', daemon.home]);
    expect(documents).toEqual([{ contract: 1, models: [makeRow(), makeRow({ version: '2' })] }]);
  });

  test.each([
    ['nothing in it', [{ event: 'completed' }], 3],
    [
      'a truncated file',
      [{ event: 'failed', code: 'truncated', kind: 'integrity', error: 'Reading m.gguf: cut off' }],
      4,
    ],
    ['a broken connection', [{ event: 'progress', done_bytes: 1, total_bytes: 2 }], 5],
  ])('import of %s', async (_what, events, exitCode) => {
    await using daemon = await openFakeDaemon({ 'POST /api/v1/models/import': () => lines(...events) });
    const { code, documents } = await capture(['model', 'import', 'd', '--json', '--home', daemon.home]);
    expect(code).toBe(exitCode);
    expect(documents).toEqual([{ error: expect.any(Object) }]);
  });

  test('verify exits 4 when a file is not what it should be', async () => {
    await using daemon = await openFakeDaemon({
      'POST /api/v1/models/verify': () =>
        lines(
          { event: 'problem', path: 'm.gguf', error: 'wrong digest' },
          { event: 'completed', model: makeRow({ state: 'damaged' }) },
        ),
    });
    const { code, stderr } = await capture(['model', 'verify', 'org/llama3', '--home', daemon.home]);
    expect(code).toBe(4);
    expect(stderr).toContain('problem: m.gguf: wrong digest');
  });

  test.each([
    ['the daemon says so', () => lines({ event: 'failed', error: 'no', code: 'io_failed', kind: 'storage' }), 7],
    [
      'it was refused at once',
      () => {
        throw errorBody('refused', 'no');
      },
      6,
    ],
  ])('scan --json ends with one failed event when %s', async (_when, answer, exitCode) => {
    await using daemon = await openFakeDaemon({ 'POST /api/v1/models/scan': answer });
    const { code, documents } = await capture(['model', 'scan', '--json', '--home', daemon.home]);
    expect(code).toBe(exitCode);
    expect(documents).toEqual([expect.objectContaining({ event: 'failed', error: 'no', kind: expect.any(String) })]);
  });

  test('path prints the path alone; of a model elsewhere it exits 3 and says how to get it', async () => {
    let path: string | null = '/models/m.gguf';
    const info = { files: [], metadata: {}, versions: [], holders: [] };
    await using daemon = await openFakeDaemon({
      'GET /api/v1/models/info': () => ({ ...makeRow(), ...info, path }),
    });
    const argv = ['model', 'path', 'org/llama3@1.2.0', '--home', daemon.home];
    expect(await capture(argv)).toMatchObject({ code: 0, stdout: '/models/m.gguf\n' });
    path = null;
    const { code, stderr } = await capture(argv);
    expect(code).toBe(3);
    expect(stderr).toContain('model pull org/llama3@1.2.0');
  });
});

describe('transfers', () => {
  const active = makeTransfer();
  const other = makeTransfer({ request_id: '77777777-0000-4000-8000-000000000002', model_id: 'org/other' });
  const done = makeTransfer({ request_id: '99999999-0000-4000-8000-000000000003', state: 'Completed' });

  function cancelling(transfers: unknown[]) {
    return openFakeDaemon({
      'GET /api/v1/transfers': () => ({ transfers }),
      [`DELETE /api/v1/transfers/${active.request_id}`]: () => ({ ...active, state: 'Cancelled' }),
    });
  }

  test.each(['3f2a91c0', 'org/llama3', active.request_id])('cancel %s cancels that one and no other', async (id) => {
    await using daemon = await cancelling([active, other, done]);
    const { code, stdout } = await capture(['transfers', 'cancel', id, '--home', daemon.home]);
    expect(code).toBe(0);
    expect(stdout).toContain('cancelled org/llama3@1.2.0');
    expect(daemon.asked.filter((asked) => asked.startsWith('DELETE'))).toEqual([
      `DELETE /api/v1/transfers/${active.request_id}`,
    ]);
  });

  test('cancel of a name that fits several cancels none', async () => {
    await using daemon = await cancelling([active, makeTransfer({ request_id: other.request_id })]);
    const { code } = await capture(['transfers', 'cancel', 'org/llama3', '--home', daemon.home]);
    expect(code).toBe(2);
    expect(daemon.asked).toEqual(['GET /api/v1/transfers']);
  });

  test('cancel of what is not there exits 3', async () => {
    await using daemon = await cancelling([done]);
    expect((await capture(['transfers', 'cancel', 'org/llama3', '--home', daemon.home])).code).toBe(3);
  });

  test('--watch --json is a transfer a line, and ends with the daemon', async () => {
    await using daemon = await openFakeDaemon({ 'GET /api/v1/transfers/events': () => lines(active, done) });
    const { documents, code } = await capture(['transfers', '--watch', '--json', '--home', daemon.home]);
    expect(code).toBe(0);
    expect(documents).toEqual([active, done]);
  });

  test('a list in JSON is the answer itself', async () => {
    await using daemon = await cancelling([active]);
    const { documents } = await capture(['transfers', '--json', '--home', daemon.home]);
    expect(documents).toEqual([{ transfers: [active] }]);
  });
});
