/** What a follower must hear to know what is so now. Pure. Spec: docs/spec/10-transfer.md §8. */
import type { HaveFrame } from './have-frames.ts';

export interface HaveState {
  readonly held: 'all' | Uint8Array;
  /** What has been begun to be sent since somebody follows. */
  readonly sent: Uint8Array;
  readonly others: number;
}

const NOTHING = new Uint8Array(0);

/** `told`: as the follower knows it; undefined at the beginning. */
export function planHaveNews(told: HaveState | undefined, now: HaveState): HaveFrame[] {
  const sent = bitsBeyond(now.sent, told?.sent ?? NOTHING);
  return [
    ...planHeld(told?.held, now.held),
    ...(sent.length === 0 ? [] : [{ type: 'sent' as const, indexes: sent }]),
    ...(told?.others === now.others ? [] : [{ type: 'others' as const, count: now.others }]),
  ];
}

function planHeld(told: HaveState['held'] | undefined, now: HaveState['held']): HaveFrame[] {
  if (now === 'all') return told === 'all' ? [] : [{ type: 'holds_all' }];
  if (told === undefined || told === 'all' || bitsBeyond(told, now).length > 0) return [{ type: 'holds', bits: now }];
  const gained = bitsBeyond(now, told);
  return gained.length === 0 ? [] : [{ type: 'gained', indexes: gained }];
}

/** Indexes that `bits` has and `others` has not, in order. */
export function bitsBeyond(bits: Uint8Array, others: Uint8Array): number[] {
  const indexes: number[] = [];
  for (let at = 0; at < bits.length; at += 1) {
    const more = (bits[at] ?? 0) & ~(others[at] ?? 0);
    for (let bit = 0; more !== 0 && bit < 8; bit += 1) if ((more & (0x80 >> bit)) !== 0) indexes.push(at * 8 + bit);
  }
  return indexes;
}
