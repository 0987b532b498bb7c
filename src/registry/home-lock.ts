/**
 * One process a home directory. The lock is SQLite's own on a file of its own, so that the system frees it however the holder
 * ends. Spec: docs/spec/09-registry.md §2.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../core/index.ts';
import { RegistryError } from './errors.ts';

const SQLITE_BUSY = 5;

/** Held until it is disposed of. Throws RegistryError `home_in_use`, naming the holder's pid where it is known. */
export function acquireHomeLock(homeDir: string): Disposable {
  const folder = join(homeDir, 'run');
  const pidPath = join(folder, 'pid');
  const database = openLock(folder);
  try {
    database.exec('BEGIN EXCLUSIVE');
    writeFileSync(pidPath, `${process.pid}\n`);
  } catch (thrown) {
    database.close();
    throw toLockError(homeDir, pidPath, thrown);
  }
  return {
    [Symbol.dispose]() {
      if (!database.isOpen) return;
      rmSync(pidPath, { force: true });
      database.close();
    },
  };
}

function openLock(folder: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true });
    return new DatabaseSync(join(folder, 'lock.sqlite'), { timeout: 0 });
  } catch (thrown) {
    throw new RegistryError('database_failed', `Locking ${folder}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function toLockError(homeDir: string, pidPath: string, thrown: unknown): RegistryError {
  const isBusy = (Number((thrown as { errcode?: number }).errcode ?? 0) & 0xff) === SQLITE_BUSY;
  if (!isBusy)
    return new RegistryError('database_failed', `Locking ${homeDir}: ${messageOf(thrown)}`, { cause: thrown });
  const pid = readPid(pidPath);
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new RegistryError('home_in_use', `Locking ${homeDir}: ${who} uses it already`, { data: { homeDir, pid } });
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isSafeInteger(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}
