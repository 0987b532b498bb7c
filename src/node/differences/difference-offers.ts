/**
 * What the holders of a file say when they are asked for a difference to it, made one: only chains that begin at what is here and end at
 * what is wanted, the smallest first, and who offers each of their blobs. Pure. Spec: docs/spec/22-differences.md §7.3.
 */
import type { Sha256 } from '../../core/index.ts';
import { type DifferenceAnswer, type DifferenceLink, PROTOCOL_LIMITS, totalBytesOf } from '../../protocol/index.ts';
import type { Holder } from '../pull/ports.ts';

export interface HolderAnswer {
  readonly holder: Holder;
  readonly answer: DifferenceAnswer;
}

export interface DifferenceOffer {
  readonly chain: readonly DifferenceLink[];
  readonly totalBytes: number;
}

export interface Ends {
  readonly bases: readonly Sha256[];
  readonly target: Sha256;
}

/** Smallest first, of equal ones the shorter. */
export function offersOf(answers: readonly HolderAnswer[], ends: Ends): DifferenceOffer[] {
  const offers = answers.flatMap(({ answer }) => {
    if (answer.state !== 'made' || !leads(answer.chain, ends)) return [];
    return [{ chain: answer.chain, totalBytes: totalBytesOf(answer.chain) }];
  });
  return offers.sort((a, b) => a.totalBytes - b.totalBytes || a.chain.length - b.chain.length);
}

/** Those whose word on this very blob is the same: all of them can be asked for it, and all answer for it. */
export function offerersOf(link: DifferenceLink, answers: readonly HolderAnswer[]): Holder[] {
  return answers.flatMap(({ holder, answer }) => {
    const isOffered = answer.state === 'made' && answer.chain.some((one) => isSame(one, link));
    return isOffered ? [{ ...holder, signsRoot: true }] : [];
  });
}

/** The one that is furthest, of those that make one now. */
export function nearestMaking(answers: readonly HolderAnswer[]): { percent: number; retryAfterMs: number } | undefined {
  const makers = answers.flatMap(({ answer }) => (answer.state === 'making' ? [answer] : []));
  return makers.sort((a, b) => b.percent - a.percent)[0];
}

function leads(chain: readonly DifferenceLink[], { bases, target }: Ends): boolean {
  const [first, last] = [chain[0], chain.at(-1)];
  if (first === undefined || last?.target !== target || chain.length > PROTOCOL_LIMITS.differenceChain) return false;
  const contents = [first.base, ...chain.map((link) => link.target)];
  // A difference is none of the contents: what is fetched and let go as one must not be anything else.
  const all = [...contents, ...chain.map(({ sha256 }) => sha256)];
  return bases.includes(first.base) && new Set(all).size === all.length;
}

function isSame(a: DifferenceLink, b: DifferenceLink): boolean {
  const fields = ({ base, target, sha256, sizeBytes, pieceRoot }: DifferenceLink) =>
    [base, target, sha256, sizeBytes, pieceRoot].join();
  return fields(a) === fields(b);
}
