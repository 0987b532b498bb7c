/** Whoever said a record says it again in the second half of its life, so that it never runs out unnoticed. Pure. */
import type { SignedRecord } from '../protocol/index.ts';

export type Lifetime = Pick<SignedRecord, 'issued_at' | 'expires_at'>;

export function isPastHalfLife({ issued_at, expires_at }: Lifetime, nowMs: number): boolean {
  return nowMs >= (issued_at + expires_at) / 2;
}
