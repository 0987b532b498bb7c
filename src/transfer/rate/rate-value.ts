/** Rates as people write them. Bytes a second inside; `Infinity` is no limit. Spec: docs/spec/10-transfer.md §11. */
import { KiB, MB, MiB } from '../../core/index.ts';
import { TransferError } from '../errors.ts';
import { TRANSFER_LIMITS } from '../limits.ts';

export const UNLIMITED = Number.POSITIVE_INFINITY;

const PREFIXES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1000,
  m: MB,
  g: 1000 * MB,
  ki: KiB,
  mi: MiB,
  gi: 1024 * MiB,
};

const WANTED = 'wanted a rate like 5Mbps, 500 kB/s, 2MiB/s or unlimited';

/** `5Mbps` and `5 Mbit/s` count bits, `500 kB/s` and `2MiB/s` bytes. Throws TransferError `bad_rate`. */
export function parseRate(text: string): number {
  const trimmed = text.trim();
  if (trimmed.toLowerCase() === 'unlimited') return UNLIMITED;
  const [, digits, prefix = '', unit] = /^(\d{1,12}(?:\.\d{1,6})?)\s*([kmg]i?|)(\S+)$/i.exec(trimmed) ?? [];
  const bytes = bytesOfUnit(unit);
  const factor = PREFIXES[prefix.toLowerCase()];
  if (digits === undefined || bytes === undefined || factor === undefined) throw badRate(trimmed, WANTED);
  const rate = Number(digits) * factor * bytes;
  if (rate >= TRANSFER_LIMITS.minRateBytesPerSecond) return rate;
  const least = formatRate(TRANSFER_LIMITS.minRateBytesPerSecond);
  throw badRate(trimmed, `slower than ${least} a peer would count as stalled; pause the transfer instead`);
}

/** A capital B is a byte, a small one a bit: `MBps` could be meant either way. */
function bytesOfUnit(unit: string | undefined): number | undefined {
  if (unit === undefined) return undefined;
  if (/^(bps|b\/s|bits?\/s)$/.test(unit)) return 1 / 8;
  return unit === 'B/s' ? 1 : undefined;
}

/** The shortest of those that `parseRate` reads: bits where that is a round number, as links are sold. */
export function formatRate(rate: number): string {
  if (!Number.isFinite(rate)) return 'unlimited';
  const bits = rate * 8;
  const [factor, prefix] = bits >= 1e9 ? [1e9, 'G'] : bits >= 1e6 ? [1e6, 'M'] : [1000, 'k'];
  return `${Number((bits / Number(factor)).toPrecision(6))}${prefix}bps`;
}

function badRate(text: string, why: string): TransferError {
  return new TransferError('bad_rate', `Reading the rate ${JSON.stringify(text.slice(0, 40))}: ${why}`);
}
