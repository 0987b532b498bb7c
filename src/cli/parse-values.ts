/** Arguments of flags. Each throws CliError `bad_usage` with what was wanted. Pure. */
import { isIP } from 'node:net';
import { GB, GiB, KiB, MB, MiB, TiB } from '../core/index.ts';
import { CliError } from './errors.ts';

const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1000,
  kb: 1000,
  m: MB,
  mb: MB,
  g: GB,
  gb: GB,
  t: 1000 * GB,
  tb: 1000 * GB,
  kib: KiB,
  mib: MiB,
  gib: GiB,
  tib: TiB,
};
const SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 };

/** `20GB`, `1.5 TiB`, `1000000` → bytes. */
export function parseSizeBytes(text: string): number {
  return parseAmount(text, SIZES, 'a size like 500MB, 20GB or 1.5TiB');
}

/** `50MB`, `50MB/s`, `400Mbps` → bytes a second. `MBps` could be meant either way. */
export function parseByteRate(text: string): number {
  const what = 'a rate like 50MB/s or 400Mbps';
  const [, bits] = /^([\d.]+\s*[kmgKMG]?)(?:bps|bits?\/s)$/.exec(text.trim()) ?? [];
  if (bits !== undefined) return Math.ceil(parseAmount(bits, SIZES, what) / 8);
  return parseAmount(text.trim().replace(/\/s$/, ''), SIZES, what);
}

/** `90`, `90s`, `15m`, `24h`, `7d` → seconds. */
export function parseDurationSeconds(text: string): number {
  return parseAmount(text, SECONDS, 'a time like 90s, 15m, 24h or 7d');
}

/** The same, within bounds; `what` names them. */
export function parseDurationWithin(least: number, most: number, what: string): (text: string) => number {
  return (text) => {
    const seconds = parseDurationSeconds(text);
    if (seconds >= least && seconds <= most) return seconds;
    throw wanted(what);
  };
}

/** `vision,tracking` → both. */
export function parseWords(text: string): string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.every((word) => word !== '' && word.length <= 200) && words.length <= 64) return words;
  throw wanted('words with commas between, like vision,tracking');
}

export function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw wanted('a port from 0 to 65535');
}

/** An address of this machine; a name would be resolved by whoever reads it, each in its own way. */
export function parseAddress(text: string): string {
  if (isIP(text) !== 0) return text;
  throw wanted('an IP address of this machine, like 192.168.1.7, 0.0.0.0 or ::');
}

/** Where a relay is; the port may be left out. What the name means, the daemon finds out. */
export function parseRelay(text: string): string {
  const [, digits] = /^(?:\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9._-]*)(?::(\d{1,5}))?$/i.exec(text) ?? [text, '0'];
  if (text.length <= 200 && (digits === undefined || (Number(digits) > 0 && Number(digits) <= 65_535))) return text;
  throw wanted('the address of a relay, like relay.example:4303 or [2001:db8::7]:4303');
}

/** 1 is first. */
export function parsePriority(text: string): number {
  if (/^[1-5]$/.test(text)) return Number(text);
  throw wanted('a priority from 1, which is first, to 5');
}

export function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw wanted('a whole number from 1');
}

function parseAmount(text: string, units: Readonly<Record<string, number>>, what: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  const amount = Math.round(Number(digits) * (factor ?? Number.NaN));
  if (digits !== '' && Number.isSafeInteger(amount) && amount > 0) return amount;
  throw wanted(what);
}

function wanted(what: string): CliError {
  return new CliError('bad_usage', `Wanted ${what}`);
}
