import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { acquireHomeLock } from './home-lock.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'home-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('acquireHomeLock() refuses a second holder, naming the process, until the first lets go', () => {
  const first = acquireHomeLock(home);
  expect(() => acquireHomeLock(home)).toThrow(
    expect.objectContaining({ code: 'home_in_use', kind: 'refused', data: { homeDir: home, pid: process.pid } }),
  );
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  acquireHomeLock(home)[Symbol.dispose]();
});

it('a lock goes with the process that held it, even when that is killed', async () => {
  const child = spawn(process.execPath, [new URL('./testing/lock-child.ts', import.meta.url).pathname, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  expect(() => acquireHomeLock(home)).toThrow(
    expect.objectContaining({ code: 'home_in_use', message: expect.stringContaining(`process ${child.pid}`) }),
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  acquireHomeLock(home)[Symbol.dispose]();
});

it('a home that cannot be one is database_failed', () => {
  writeFileSync(join(home, 'file'), '');
  expect(() => acquireHomeLock(join(home, 'file'))).toThrow(expect.objectContaining({ code: 'database_failed' }));
});
