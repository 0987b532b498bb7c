/** What is said of a transfer that comes, or came, as a difference. Pure. */
import type { Transfer } from '../api/index.ts';
import { formatBytes } from '../core/index.ts';

type Differing = Pick<Transfer, 'difference' | 'bytes_downloaded' | 'size_bytes'>;

/** `difference: 34 MB instead of 1.2 GB`; undefined where there is none. */
export function describeDifference({ difference }: Pick<Transfer, 'difference'>): string | undefined {
  if (difference === undefined) return undefined;
  const { state, total_bytes, instead_of_bytes } = difference;
  if (state === 'making') return 'a peer makes the difference to what is here';
  const saved = `difference: ${formatBytes(total_bytes)} instead of ${formatBytes(instead_of_bytes)}`;
  return state === 'applying' ? `${saved}, being applied` : saved;
}

/** While a difference comes, its bytes are what there is to wait for; then the file is written. */
export function differenceBytes({ difference, bytes_downloaded, size_bytes }: Differing) {
  if (difference?.state !== 'fetching') return { doneBytes: bytes_downloaded, totalBytes: size_bytes };
  const { bytes, total_bytes, instead_of_bytes } = difference;
  return { doneBytes: bytes_downloaded + bytes, totalBytes: size_bytes - instead_of_bytes + total_bytes };
}
