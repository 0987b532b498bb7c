/**
 * Does loading this file run code that is in it? When that cannot be told, the answer is yes.
 * Spec: docs/spec/07-formats.md §5.
 */

import { extensionOf } from './file-name.ts';
import type { HeaderSource } from './header-source.ts';
import { readZipMemberNames } from './zip-directory.ts';

const ALWAYS_PICKLE = new Set(['pkl', 'pickle', 'joblib']);
const MAYBE_PICKLE = new Set(['pt', 'pth', 'ckpt', 'bin']);
const HEAD_BYTES = 512;
const ZIP_MAGIC = 0x04034b50;
const EMPTY_ZIP_MAGIC = 0x06054b50;
/** The number that torch pickled first before it wrote archives, as protocol 2 writes it: LONG1 of ten bytes. */
const OLD_TORCH = Buffer.from('8a0a6cfc9c46f9206aa85019', 'hex');

/** True for a file that is, holds, or may be a pickle. */
export async function isUnsafeFile(source: HeaderSource, fileName: string): Promise<boolean> {
  const extension = extensionOf(fileName);
  if (ALWAYS_PICKLE.has(extension)) return true;
  if (!MAYBE_PICKLE.has(extension)) return false;
  const head = await readHead(source);
  if (isZip(head)) return await holdsPickle(source);
  if (isKnownSafe(head)) return false;
  return extension === 'bin' ? await isRawPickle(source, head) : true;
}

async function readHead(source: HeaderSource): Promise<Buffer> {
  const head = Buffer.alloc(Math.min(HEAD_BYTES, source.sizeBytes));
  return head.subarray(0, await source.read(head, 0));
}

function isZip(head: Buffer): boolean {
  if (head.length < 4) return false;
  const magic = head.readUInt32LE(0);
  return magic === ZIP_MAGIC || magic === EMPTY_ZIP_MAGIC;
}

async function holdsPickle(source: HeaderSource): Promise<boolean> {
  const names = await readZipMemberNames(source);
  return names === undefined || names.some((name) => name.toLowerCase().endsWith('.pkl'));
}

function isKnownSafe(head: Buffer): boolean {
  if (head.subarray(0, 4).toString('latin1') === 'GGUF') return true;
  if (head.length < 9 || head[8] !== 0x7b) return false;
  return head.readBigUInt64LE(0) <= 100_000_000n;
}

async function isRawPickle(source: HeaderSource, head: Buffer): Promise<boolean> {
  const [first = 0, second = 0] = head;
  if (first === 0x80 && second >= 2 && second <= 5) return true;
  return head.includes(OLD_TORCH) || (looksLikeProtocol0(head) && (await endsInStop(source)));
}

/** Protocols 0 and 1 have no magic: MARK, an empty container, or GLOBAL with its two lines of names. */
function looksLikeProtocol0(head: Buffer): boolean {
  const text = head.toString('latin1');
  return /^[(\]}]/.test(text) || /^c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n/.test(text);
}

async function endsInStop(source: HeaderSource): Promise<boolean> {
  const last = Buffer.alloc(1);
  await source.read(last, source.sizeBytes - 1);
  return last[0] === 0x2e;
}
