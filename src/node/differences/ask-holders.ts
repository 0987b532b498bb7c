/**
 * Asks the holders of a file for differences to it: first all for what they have made, then one after the other to make one, and again
 * while that pays. Spec: docs/spec/22-differences.md §7.3. What a peer controls: its answer, and how long we would wait for it.
 */
import type { Clock, Sha256 } from '../../core/index.ts';
import type { DifferenceAnswer } from '../../protocol/index.ts';
import type { PieceSource } from '../../transfer/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { Holder } from '../pull/ports.ts';
import { type DifferenceOffer, type HolderAnswer, nearestMaking, offersOf } from './difference-offers.ts';
import { type FileToGet, isWorthTaking, isWorthWaiting } from './plan-difference.ts';

export interface AskedHolder {
  readonly holder: Holder;
  readonly source: Pick<PieceSource, 'askDifference'>;
}

export interface HolderQuestion {
  /** Best first. */
  readonly holders: readonly AskedHolder[];
  readonly bases: readonly Sha256[];
  readonly target: Sha256;
  readonly file: FileToGet;
  readonly clock: Clock;
  /** Somebody makes one, so far. */
  readonly onMaking: () => void;
}

export interface FoundOffer extends DifferenceOffer {
  readonly answers: readonly HolderAnswer[];
}

/** What was found out; no offer where none is worth it. */
export interface HoldersWord {
  readonly offer?: FoundOffer;
  /** There was one, and it is not worth it. */
  readonly isUseless: boolean;
}

export async function askHolders(question: HolderQuestion, signal: AbortSignal): Promise<HoldersWord> {
  const made = await askAll(question, signal);
  const found = bestOf(question, made);
  if (found.offer !== undefined || found.isUseless) return found;
  if (!isWorthWaiting(question.file, nearestMaking(made)?.percent ?? 0, 0)) return { isUseless: false };
  for (const one of question.holders) {
    const word = await waitFor(question, one, signal);
    if (word !== undefined) return word;
  }
  return { isUseless: false };
}

async function askAll(question: HolderQuestion, signal: AbortSignal): Promise<HolderAnswer[]> {
  const answers = await Promise.all(question.holders.map((one) => ask(question, one, true, signal)));
  return answers.flatMap((answer) => answer ?? []);
}

/** Undefined where it has none and makes none, or does not answer. */
async function ask(
  { bases }: HolderQuestion,
  { holder, source }: AskedHolder,
  madeOnly: boolean,
  signal: AbortSignal,
): Promise<HolderAnswer | undefined> {
  try {
    const answer: DifferenceAnswer | undefined = await source.askDifference?.({ bases, madeOnly }, signal);
    return answer === undefined ? undefined : { holder, answer };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Until it is made, or is not worth waiting for; undefined where the next one may be asked. */
async function waitFor(
  question: HolderQuestion,
  one: AskedHolder,
  signal: AbortSignal,
): Promise<HoldersWord | undefined> {
  const { file, clock } = question;
  const sinceMs = clock.monotonicMs();
  for (;;) {
    const answer = await ask(question, one, false, signal);
    if (answer === undefined) return undefined;
    if (answer.answer.state === 'made') return bestOf(question, [answer]);
    const { percent, retryAfterMs } = answer.answer;
    if (!isWorthWaiting(file, percent, clock.monotonicMs() - sinceMs)) return { isUseless: true };
    question.onMaking();
    await pause(clock, Math.min(Math.max(retryAfterMs, LEAST_PAUSE_MS), NODE_LIMITS.differenceLongestRetryMs), signal);
  }
}

/** However soon a peer wants to be asked again. */
const LEAST_PAUSE_MS = 50;

function bestOf({ bases, target, file }: HolderQuestion, answers: readonly HolderAnswer[]): HoldersWord {
  const offers = offersOf(answers, { bases, target });
  const offer = offers.find(({ totalBytes, chain }) => isWorthTaking(file, { totalBytes, links: chain.length }));
  if (offer !== undefined) return { offer: { ...offer, answers }, isUseless: false };
  return { isUseless: offers.length > 0 };
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
