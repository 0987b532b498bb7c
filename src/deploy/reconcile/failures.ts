/** What a failure means for the next attempt. Pure. Spec: docs/spec/17-deployment.md §4.8. */
import { AtmosphereError, messageOf, systemCodeOf } from '../../core/index.ts';
import { DEPLOY_LIMITS } from '../limits.ts';
import type { Deployed, Refusal } from '../types.ts';

/** Whatever was thrown keeps its own code: ours, or the system's. */
export function toRefusal(thrown: unknown, fallback: string): Refusal {
  return { code: systemCodeOf(thrown) ?? fallback, message: messageOf(thrown) };
}

/** How long to wait after so many attempts in vain. */
export function retryAfterMs(attempts: number): number {
  const { retryBaseMs, retryMaxMs } = DEPLOY_LIMITS;
  return Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(30, Math.max(0, attempts - 1)));
}

/** Whether it waits for its next attempt. A time further ahead than any pause was written before the clock was set back. */
export function isResting({ retryAtMs }: Pick<Deployed, 'retryAtMs'>, nowMs: number): boolean {
  return retryAtMs !== undefined && retryAtMs > nowMs && retryAtMs <= nowMs + DEPLOY_LIMITS.retryMaxMs;
}

/** A machine may have been busy, or short of memory; what is wrong stays wrong. */
export function toCause(thrown: unknown, fallback: string): NonNullable<Deployed['cause']> {
  const again = !(thrown instanceof AtmosphereError) || thrown.retry;
  return { ...toRefusal(thrown, fallback), again };
}

export function retryAfterRollbackMs(again: boolean, attempts: number): number | undefined {
  return !again || attempts >= DEPLOY_LIMITS.probeAttempts ? undefined : retryAfterMs(attempts);
}
