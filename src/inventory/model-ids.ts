/** Ids from names that others chose; the organisation is kept and nothing collides by accident. Spec: 08 §2. */
import { createHash } from 'node:crypto';
import type { ModelId } from '../core/index.ts';
import { parseModelId } from '../protocol/index.ts';
import { INVENTORY_LIMITS } from './limits.ts';

const MOST_SEGMENTS = 4;
const MOST_SEGMENT_CHARS = 100;
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** Always a valid id; the text itself where it is one. */
export function toModelId(text: string): ModelId {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  const safe = parts.slice(-MOST_SEGMENTS).map(toSegment).join('/') || '_';
  const cut = safe.slice(0, INVENTORY_LIMITS.idChars).replace(/[./]+$/, '');
  return parseModelId(cut === text ? cut : `${cut}-${shortHash(text)}`);
}

export interface NamedItem {
  /** The id wanted. */
  readonly text: string;
  /** Path that tells the items apart. */
  readonly path: string;
}

/** Ids for items of one folder: distinct without regard to case, whatever their names. */
export function toDistinctIds(items: readonly NamedItem[]): ModelId[] {
  const isShared = sharedIn(items.map(({ text }) => text));
  const texts = items.map(({ text, path }) => (isShared(text) ? `${text}${/\.[^./]+$/.exec(path)?.[0] ?? ''}` : text));
  const isStillShared = sharedIn(texts.map((text) => toModelId(text)));
  return texts.map((text, index) => {
    const id = toModelId(text);
    return isStillShared(id) ? parseModelId(`${id}-${shortHash(items[index]?.path ?? '')}`) : id;
  });
}

/** The first 8 hex digits of the text's SHA-256. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function toSegment(part: string): string {
  const plain = part
    .normalize('NFC')
    .replace(/[^A-Za-z0-9._+:@-]/g, '-')
    .slice(0, MOST_SEGMENT_CHARS)
    .replace(/\.+$/, '');
  return !/^[A-Za-z0-9_]/.test(plain) || WINDOWS_DEVICE.test(plain) ? `_${plain}`.replace(/\.+$/, '') : plain;
}

function sharedIn(texts: readonly string[]): (text: string) => boolean {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text.toLowerCase(), (counts.get(text.toLowerCase()) ?? 0) + 1);
  return (text) => (counts.get(text.toLowerCase()) ?? 0) > 1;
}
