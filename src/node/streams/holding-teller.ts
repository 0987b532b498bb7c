/**
 * Tells on a blob stream what is held of a blob, and what changes. Spec: docs/spec/10-transfer.md §8, §9 no. 3. Changes are
 * put together while the frames before leave, so that a slow follower costs two states and no more.
 */
import type { HaveFrame } from '../../protocol/index.ts';
import { encodeHaveFrame, PROTOCOL_LIMITS } from '../../protocol/index.ts';
import { NODE_LIMITS } from '../limits.ts';

type Held = 'all' | Uint8Array;

/** What is held of a blob, as the node's content tells it. */
export interface StreamedHolding extends AsyncDisposable {
  /** What the pieces were checked against, where it is known. */
  readonly pieceRoot: string | undefined;
  /** Bits, most significant first; undefined when the blob is here no more. */
  held(): Held | undefined;
  onChange(listener: () => void): () => void;
}

/** Until the signal comes, or the blob is here no more. */
export async function tellHolding(
  holding: StreamedHolding,
  write: (frame: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let told: Held | undefined;
  let wake: () => void = () => {};
  let isChanged = true;
  const stop = holding.onChange(() => {
    isChanged = true;
    wake();
  });
  const pause = (ms: number, isEnough: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      wake = () => void (isEnough() && done());
      if (signal.aborted || isEnough()) done();
    });
  try {
    while (!signal.aborted) {
      const frames: HaveFrame[] = isChanged ? [] : [{ type: 'alive' }];
      if (isChanged) {
        const now = copyOf(holding.held());
        if (now === undefined) return;
        isChanged = false;
        frames.push(...planHeld(told, now));
        told = now;
      }
      for (const frame of frames) await write(encodeHaveFrame(frame));
      await pause(NODE_LIMITS.holdingEveryMs, () => false);
      await pause(PROTOCOL_LIMITS.haveKeepAliveMs - NODE_LIMITS.holdingEveryMs, () => isChanged);
    }
  } finally {
    stop();
  }
}

/** What the follower must hear to know that `now` is so. Pure. */
export function planHeld(told: Held | undefined, now: Held): HaveFrame[] {
  if (now === 'all') return told === 'all' ? [] : [{ type: 'holds_all' }];
  if (told === undefined || told === 'all' || beyond(told, now).length > 0) return [{ type: 'holds', bits: now }];
  const gained = beyond(now, told);
  return gained.length === 0 ? [] : [{ type: 'gained', indexes: gained }];
}

/** The writer of a part may go on changing its bits. */
function copyOf(held: Held | undefined): Held | undefined {
  return held instanceof Uint8Array ? Uint8Array.from(held) : held;
}

function beyond(bits: Uint8Array, others: Uint8Array): number[] {
  const indexes: number[] = [];
  for (const [at, byte] of bits.entries()) {
    const more = byte & ~(others[at] ?? 0);
    for (let bit = 0; bit < 8; bit += 1) if ((more & (0x80 >> bit)) !== 0) indexes.push(at * 8 + bit);
  }
  return indexes;
}
