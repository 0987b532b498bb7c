/** How long an agent that ended waits. Spec: docs/spec/23-agents.md §3. Pure. */
import type { Random } from '../core/index.ts';
import { AGENTS_LIMITS } from './limits.ts';

/** At most this part of a wait is left out, so that agents that fell together do not rise together. */
const JITTER = 0.25;

/** `failures` in a row, this one among them: 1 and more. */
export function backOffMs(failures: number, random: Random): number {
  const { backOffMinMs, backOffMaxMs } = AGENTS_LIMITS;
  const full = Math.min(backOffMaxMs, backOffMinMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (1 - JITTER * random.next()));
}

/** Failures in a row after one more end; who lived long enough begins anew. */
export function failuresAfter(before: number, livedMs: number): number {
  return livedMs >= AGENTS_LIMITS.steadyAfterMs ? 1 : before + 1;
}
