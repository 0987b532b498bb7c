/** What a follower must hear to know what is so now. Pure. Spec: docs/spec/10-transfer.md §8. */
import type { HaveFrame } from '../../protocol/index.ts';
import { bitsBeyond } from './piece-bits.ts';

export interface HaveState {
  readonly held: 'all' | Uint8Array;
  /** What has been begun to be sent since somebody follows. */
  readonly sent: Uint8Array;
  readonly others: number;
}

const NOTHING = new Uint8Array(0);

/** `told`: as the follower knows it; undefined at the beginning. */
export function planNews(told: HaveState | undefined, now: HaveState): HaveFrame[] {
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
