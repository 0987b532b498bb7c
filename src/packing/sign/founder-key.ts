/** A founder’s private key, from the file that its owner keeps. Never written, never told. Spec: docs/spec/21-packages.md §6. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import { messageOf } from '../../core/index.ts';
import { PackingError } from '../errors.ts';
import { PACKING_LIMITS } from '../limits.ts';

/** Throws PackingError `founder_key_unusable`. */
export async function readFounderKey(path: string): Promise<KeyObject> {
  const pem = await readPem(path);
  const key = parseKey(pem, path);
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw unusable(path, `it is a key of the type ${key.asymmetricKeyType}, wanted Ed25519`);
}

async function readPem(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size > PACKING_LIMITS.founderKeyBytes) throw unusable(path, `it has ${size} bytes, which is no key`);
    return await file.readFile('utf8');
  } catch (cause) {
    throw cause instanceof PackingError ? cause : unusable(path, messageOf(cause), cause);
  }
}

function parseKey(pem: string, path: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) throw unusable(path, 'it is protected by a passphrase; give a copy without one');
  if (/PUBLIC KEY/.test(pem)) throw unusable(path, 'it is a public key, wanted the private one');
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw unusable(path, 'it is no private key in PEM', cause);
  }
}

function unusable(path: string, why: string, cause?: unknown): PackingError {
  return new PackingError('founder_key_unusable', `Reading the founder’s key ${path}: ${why}`, { cause });
}
