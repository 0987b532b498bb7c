/** How a data connection says which pair it belongs to: tokens, the asker's server name, the holder's first line. 13-relay §2. */
import { randomBytes } from 'node:crypto';

declare const tokenBrand: unique symbol;
/** 32 hex digits: one side of one pair, once. */
export type PairToken = string & { readonly [tokenBrand]: true };

const TOKEN = /^[0-9a-f]{32}$/;
const ZONE = '.relay.invalid';
const GREETING = 'ATMOSPHERE-RELAY/1 ';
export const PREAMBLE_BYTES = GREETING.length + 32 + 1;

export function makeToken(): PairToken {
  return randomBytes(16).toString('hex') as PairToken;
}

export function isToken(text: string): text is PairToken {
  return TOKEN.test(text);
}

/** What an asker puts in its ClientHello. */
export function toServerName(token: PairToken): string {
  return `${token}${ZONE}`;
}

/** Undefined for the name of anything else; names compare without case, as DNS has it. */
export function tokenOfServerName(serverName: string | undefined): PairToken | undefined {
  const name = serverName?.toLowerCase() ?? '';
  const token = name.endsWith(ZONE) ? name.slice(0, -ZONE.length) : '';
  return isToken(token) ? token : undefined;
}

/** What a holder sends first. */
export function toPreamble(token: PairToken): Buffer {
  return Buffer.from(`${GREETING}${token}\n`, 'latin1');
}

export type PreambleReading =
  | { readonly state: 'more' }
  | { readonly state: 'bad' }
  | { readonly state: 'preamble'; readonly token: PairToken };

/** Reads what has come so far: as soon as one byte is wrong, it is bad. */
export function readPreamble(bytes: Buffer): PreambleReading {
  const text = bytes.subarray(0, PREAMBLE_BYTES).toString('latin1');
  if (!GREETING.startsWith(text.slice(0, GREETING.length))) return { state: 'bad' };
  const token = text.slice(GREETING.length, PREAMBLE_BYTES - 1);
  if (!/^[0-9a-f]*$/.test(token)) return { state: 'bad' };
  if (text.length < PREAMBLE_BYTES) return { state: 'more' };
  return text.endsWith('\n') && isToken(token) ? { state: 'preamble', token } : { state: 'bad' };
}
