/**
 * Private files of the home folder. Spec: docs/spec/03-trust.md §1.4–1.5.
 * Rules: a file appears whole or not at all; a key that exists is never written over; nothing that others may read is used.
 */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, systemCodeOf } from '../core/index.ts';
import { TrustError } from './errors.ts';
import { makeKey } from './keys.ts';
import { TRUST_LIMITS } from './limits.ts';

const PRIVATE_MODE = 0o600;
const RIGHTS_OF_OTHERS = 0o077;

/** Reads a key, or makes it at the first start. Throws TrustError `key_exposed`, `key_corrupt`, `home_unusable`. */
export function readOrMakeKey(path: string): KeyObject {
  return readKey(path) ?? createKey(path);
}

/** Undefined when there is no such file. Throws as `readOrMakeKey`. */
export function readKey(path: string): KeyObject | undefined {
  const pem = readPrivateFile(path, TRUST_LIMITS.keyFileBytes);
  if (pem === undefined) return undefined;
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw corrupt(path, cause);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw corrupt(path);
  return key;
}

/** Makes a key where none is. Two processes that start at once end with one and the same key. */
function createKey(path: string): KeyObject {
  const key = makeKey();
  const pem = key.export({ format: 'pem', type: 'pkcs8' });
  const made = withTemporary(path, pem, (temporary) => linkSync(temporary, path));
  if (made) return key;
  const other = readKey(path);
  if (other === undefined) throw new TrustError('home_unusable', `Making ${path}: it appeared and went away`);
  return other;
}

/** Replaces a private file atomically. Throws TrustError `home_unusable`. */
export function replacePrivateFile(path: string, text: string): void {
  withTemporary(path, text, (temporary) => renameSync(temporary, path));
}

/** Undefined when there is no such file. Throws TrustError `key_exposed`, `home_unusable`. */
export function readPrivateFile(path: string, maxBytes: number): string | undefined {
  try {
    const { mode, size } = statSync(path);
    if (process.platform !== 'win32' && (mode & RIGHTS_OF_OTHERS) !== 0) throw exposed(path, mode);
    if (size > maxBytes) throw corrupt(path);
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return undefined;
    if (thrown instanceof TrustError) throw thrown;
    throw unusable(path, thrown);
  }
}

/** Writes and syncs a temporary file, then lets `place` put it at its name. False when another file was there first. */
function withTemporary(path: string, text: string | Buffer, place: (temporary: string) => void): boolean {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    writeSynced(temporary, text.toString());
    place(temporary);
    syncFolder(dirname(path));
    return true;
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'EEXIST') return false;
    throw unusable(path, thrown);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeSynced(path: string, text: string): void {
  const file = openSync(path, 'wx', PRIVATE_MODE);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** So that the name outlives a power cut; not every system can. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function exposed(path: string, mode: number): TrustError {
  const shown = (mode & 0o777).toString(8);
  return new TrustError('key_exposed', `Reading ${path}: its mode is ${shown}, wanted 600; run: chmod 600 ${path}`, {
    data: { path, mode: shown },
  });
}

function corrupt(path: string, cause?: unknown): TrustError {
  const message = `Reading ${path}: it is not an Ed25519 private key in PEM; restore it from a copy`;
  return new TrustError('key_corrupt', message, { data: { path }, cause });
}

function unusable(path: string, cause: unknown): TrustError {
  return new TrustError('home_unusable', `Using ${path}: ${messageOf(cause)}`, { data: { path }, cause });
}
