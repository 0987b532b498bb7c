import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeHome } from './fake-daemon.fixture.ts';
import { isProcessAlive } from './process-alive.ts';
import { becomesTrue } from './waiting.ts';

const FIXTURE = fileURLToPath(new URL('process.fixture.ts', import.meta.url));
const LAUNCHER = fileURLToPath(new URL('../../atmosphere', import.meta.url));

async function temporaryHome(): Promise<string> {
  const home = await makeHome();
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

function start(...argv: string[]): ChildProcess {
  const child = spawn(process.execPath, [FIXTURE, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function finish(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const read = async (stream: Readable | null) => {
    let text = '';
    for await (const chunk of stream?.setEncoding('utf8') ?? []) text += chunk;
    return text;
  };
  const [stdout, stderr, [code]] = await Promise.all([read(child.stdout), read(child.stderr), once(child, 'close')]);
  return { code, stdout, stderr };
}

function firstChunk(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once('data', (chunk) => resolve(String(chunk))));
}

describe('up', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'says ready, then stopped after %s, and exits 0',
    async (signal) => {
      const home = await temporaryHome();
      const child = start('up', '--json', '--home', home, '--name', 'alpha');
      const ready = JSON.parse(await firstChunk(child));
      expect(ready).toEqual({
        event: 'ready',
        contract: 1,
        node_id: 'node-a',
        name: 'alpha',
        http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        agent: 'http://127.0.0.1:1',
        mesh: ['/ip4/127.0.0.1/tcp/1'],
        home,
        pid: child.pid,
      });
      child.kill(signal);
      expect(await finish(child)).toEqual({ code: 0, stdout: '{"event":"stopped"}\n', stderr: 'stopping…\n' });
    },
  );

  test('goes on when nobody reads its stdout any more', async () => {
    const child = start('up', '--json', '--home', await temporaryHome());
    const { http } = JSON.parse(await firstChunk(child));
    child.stdout?.destroy();
    expect((await fetch(`${http}/api/v1/status`)).status).toBe(403);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('that cannot start says why and exits by the kind', async () => {
    const child = start('up', '--json', '--home', await temporaryHome(), '--name', 'broken');
    const { code, stdout } = await finish(child);
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toEqual({ error: expect.objectContaining({ code: 'home_unusable' }) });
  });

  test('--detach returns when the daemon is ready, and down ends it', async () => {
    const home = await temporaryHome();
    const { code, stdout } = await finish(start('up', '--detach', '--json', '--home', home));
    expect(code).toBe(0);
    const { event, pid } = JSON.parse(stdout);
    expect(event).toBe('ready');
    expect(isProcessAlive(pid)).toBe(true);
    const down = await finish(start('down', '--json', '--home', home));
    expect(down).toMatchObject({ code: 0 });
    expect(JSON.parse(down.stdout)).toEqual({ stopped: true, pid, killed: false });
    expect(isProcessAlive(pid)).toBe(false);
  });

  test('--detach of a start that fails tells the same error with the same exit code, and leaves no process', async () => {
    const home = await temporaryHome();
    const { code, stderr } = await finish(start('up', '-d', '--home', home, '--name', 'broken'));
    expect(code).toBe(7);
    expect(stderr).toContain('error: Opening the daemon: the disk is on fire\n');
    expect(await readFile(join(home, 'logs', 'daemon.log'), 'utf8')).toContain('the disk is on fire');
    expect((await stat(join(home, 'logs', 'daemon.log'))).mode & 0o777).toBe(0o600);
  });
});

test('--detach of a program that dies without a word says so', async () => {
  const home = await temporaryHome();
  const child = start('up', '--detach', '--json', '--home', home, '--name', 'mute');
  const { code, stdout } = await finish(child);
  expect(code).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: 'daemon_not_started',
    message: 'Starting the daemon: it ended with exit code 9',
  });
});

describe('the process', () => {
  async function withDaemon() {
    const home = await temporaryHome();
    const daemon = start('up', '--json', '--home', home);
    await firstChunk(daemon);
    return { home, daemon };
  }

  test('a pull that gets SIGINT cancels its transfer and exits 130', async () => {
    const { home } = await withDaemon();
    const child = start('model', 'pull', 'org/llama3', '--json', '--home', home);
    await firstChunk(child);
    child.kill('SIGINT');
    const { code, stdout } = await finish(child);
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ event: 'failed', code: 'interrupted' });
  });

  test('a second signal ends it at once with 130', async () => {
    const child = start('up', '--json', '--home', await temporaryHome(), '--name', 'stubborn');
    await firstChunk(child);
    child.kill('SIGINT');
    await once(child.stderr as Readable, 'data');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
  });

  test('a reader that goes away ends it quietly', async () => {
    const { home } = await withDaemon();
    const script = `"$0" "$1" model list --json --home "$2" | head -c 10; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, FIXTURE, home], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toBe('{"contract0\n');
  });

  test('a process that has ended counts as gone', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(await becomesTrue(() => !isProcessAlive(child.pid ?? 0), 5000)).toBe(true);
    expect(isProcessAlive(process.pid)).toBe(true);
  });
});

describe('the launcher', () => {
  async function checkout(): Promise<string> {
    const root = await temporaryHome();
    await copyFile(LAUNCHER, join(root, 'atmosphere'));
    await chmod(join(root, 'atmosphere'), 0o755);
    return root;
  }

  async function build(root: string): Promise<void> {
    await mkdir(join(root, 'dist/cli'), { recursive: true });
    await mkdir(join(root, 'node_modules/commander'), { recursive: true });
    await mkdir(join(root, 'tools/node/node_modules/.bin'), { recursive: true });
    await symlink(process.execPath, join(root, 'tools/node/node_modules/.bin/node'));
    await writeFile(join(root, 'dist/cli/main.js'), 'process.stdout.write(JSON.stringify(process.argv.slice(2)))');
  }

  test('of a checkout that is not built says what to run', async () => {
    const { status, stderr } = spawnSync(join(await checkout(), 'atmosphere'), ['--help'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('run: npm run setup');
  });

  test('finds its checkout through relative and absolute links, and passes arguments as they are', async () => {
    const root = await checkout();
    await build(root);
    await mkdir(join(root, 'bin'));
    await symlink('../atmosphere', join(root, 'bin/relative'));
    await symlink(join(root, 'bin/relative'), join(root, 'bin/absolute'));
    for (const name of ['atmosphere', 'bin/relative', 'bin/absolute']) {
      const { stdout, status } = spawnSync(join(root, name), ['a b', '', "it's"], { encoding: 'utf8' });
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toEqual(['a b', '', "it's"]);
    }
  });

  test('without a Node.js of its own refuses an older one by its version', async () => {
    const root = await checkout();
    await build(root);
    await rm(join(root, 'tools'), { recursive: true });
    await mkdir(join(root, 'bin'));
    await writeFile(join(root, 'bin/node'), '#!/bin/sh\necho v20.11.0\n', { mode: 0o755 });
    const env = { PATH: `${join(root, 'bin')}:/usr/bin:/bin` };
    const { status, stderr } = spawnSync(join(root, 'atmosphere'), [], { encoding: 'utf8', env });
    expect(status).toBe(1);
    expect(stderr).toContain('found: v20.11.0\nrun: npm run setup');
  });
});
