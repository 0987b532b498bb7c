/**
 * What a service says of itself: `key=value` entries, ours within a budget, a stranger's as far as people can be shown them. Pure.
 * Spec: docs/spec/24-local-network.md §2.
 */
import { LAN_LIMITS } from './limits.ts';

export type TxtEntries = ReadonlyMap<string, string>;

/** The entries as DNS has them, the first ones first; what does not fit is left out whole. */
export function toTxt(entries: Iterable<readonly [string, string]>): Buffer[] {
  const strings: Buffer[] = [];
  let bytes = 0;
  for (const [key, value] of entries) {
    const entry = Buffer.from(`${key}=${value}`);
    if (entry.length > LAN_LIMITS.txtEntryBytes) continue;
    if (bytes + entry.length + 1 > LAN_LIMITS.txtBytes || strings.length >= LAN_LIMITS.txtEntries) break;
    bytes += entry.length + 1;
    strings.push(entry);
  }
  return strings;
}

/** Entries that are text and can be shown; of a key that comes twice the first (RFC 6763 §6.4). Undefined for what is no TXT data. */
export function readTxt(data: unknown): TxtEntries | undefined {
  if (!Array.isArray(data)) return undefined;
  const entries = new Map<string, string>();
  let bytes = 0;
  for (const item of data.slice(0, LAN_LIMITS.txtEntries)) {
    if (!(item instanceof Uint8Array)) continue;
    bytes += item.length + 1;
    if (bytes > LAN_LIMITS.txtBytes) break;
    const [, key, value] = /^([!-<>-~]{1,63})=(.*)$/s.exec(textOf(item) ?? '') ?? [];
    if (key !== undefined && value !== undefined && !entries.has(key.toLowerCase()))
      entries.set(key.toLowerCase(), value);
  }
  return entries;
}

/** No control characters, nothing that turns the direction of writing, nothing that has no meaning. */
export function isShowable(text: string): boolean {
  return !/\p{C}/u.test(text);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return isShowable(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
