/**
 * Whom to take as sources where there are more than a download takes. Pure. Chance makes one graph of a swarm, whatever
 * its size; nearness and good service have their half; nobody is followed by all. Spec: docs/spec/10-transfer.md §8.
 */
import type { Random } from '../../core/index.ts';

export interface NeighbourCandidate {
  readonly id: string;
  /** 0 is this machine, then what is ever farther. */
  readonly pathOrder: number;
  /** Has all of it, as far as is known. */
  readonly isComplete: boolean;
  /** How well it served before; more is better. */
  readonly score: number;
}

/** At most this share of the neighbours are complete ones, while there are others. */
const COMPLETE_SHARE = 1 / 8;

/** At most `max`, best first of the near ones. All of them where they are no more than that. */
export function chooseNeighbours<Candidate extends NeighbourCandidate>(
  candidates: readonly Candidate[],
  max: number,
  random: Random,
): Candidate[] {
  if (max <= 0) return [];
  const shuffled = shuffle(candidates, random);
  if (candidates.length <= max) return shuffled.toSorted(compareNear);
  const complete = shuffled.filter(({ isComplete }) => isComplete).toSorted((a, b) => a.pathOrder - b.pathOrder);
  const partial = shuffled.filter(({ isComplete }) => !isComplete);
  const share = wholeByChance(completeShareOf(complete.length, partial.length, max), random);
  const chosen = [...complete.slice(0, share), ...nearAndAny(partial, max - share)];
  // Few fetch it: then there is enough of the complete ones for everybody.
  const more = nearAndAny(complete.slice(share), max - chosen.length);
  return [...chosen, ...more].toSorted(compareNear);
}

/** If every download took so many, no complete one would have more than `max` followers. */
function completeShareOf(complete: number, partial: number, max: number): number {
  return Math.min(complete, max * COMPLETE_SHARE, (complete * max) / (partial + 1));
}

/** One half by nearness and score, the other by chance: `candidates` are in an order of chance. */
function nearAndAny<Candidate extends NeighbourCandidate>(
  candidates: readonly Candidate[],
  count: number,
): Candidate[] {
  const near = candidates.toSorted(compareNear).slice(0, Math.ceil(count / 2));
  const taken = new Set(near);
  const others = candidates.filter((candidate) => !taken.has(candidate));
  return [...near, ...others.slice(0, count - near.length)];
}

function compareNear(a: NeighbourCandidate, b: NeighbourCandidate): number {
  return a.pathOrder - b.pathOrder || b.score - a.score;
}

/** 2.3 is 2, and 3 three times in ten. */
function wholeByChance(value: number, random: Random): number {
  const whole = Math.floor(value);
  return random.next() < value - whole ? whole + 1 : whole;
}

function shuffle<Item>(items: readonly Item[], random: Random): Item[] {
  const drawn = items.map((item) => ({ item, lot: random.next() }));
  return drawn.sort((a, b) => a.lot - b.lot).map(({ item }) => item);
}
