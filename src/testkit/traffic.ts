/**
 * Network traffic made on the spot, one row a minute of a host: ordinary rows, whose bytes and latency go together, and four kinds
 * of odd ones, each within the range of every single feature, so that no threshold on one of them finds them.
 */
import { type Random, seededRandom } from '../core/index.ts';

export const TRAFFIC_FEATURES = ['bytes_in', 'bytes_out', 'latency_ms'] as const;

export interface TrafficRow {
  readonly values: readonly [bytesIn: number, bytesOut: number, latencyMs: number];
  readonly isOdd: boolean;
}

type Kind = (row: TrafficRow['values'], random: Random) => TrafficRow['values'];

const ODD_KINDS: readonly Kind[] = [
  // Something carries data out.
  ([bytesIn, bytesOut, latency], random) => [bytesIn / 2, bytesOut * between(random, 2, 6), latency],
  // The host answers slowly though little is asked.
  ([bytesIn, bytesOut, latency], random) => [bytesIn, bytesOut, latency * between(random, 1.8, 4)],
  // Much comes in and nothing is answered.
  ([bytesIn, bytesOut, latency], random) => [bytesIn * between(random, 2, 6), bytesOut / 3, latency],
  // Answers faster than the host can think.
  ([bytesIn, bytesOut, latency], random) => [bytesIn * 2, bytesOut * 1.5, latency / between(random, 1.8, 4)],
];

/** `count` rows, of which every fourth is odd unless `oddShare` says otherwise. The same seed gives the same rows. */
export function trafficRows(seed: number, count: number, oddShare = 0.25): TrafficRow[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const ordinary = ordinaryRow(random);
    if (random.next() >= oddShare) return { values: ordinary, isOdd: false };
    const kind = ODD_KINDS[Math.floor(random.next() * ODD_KINDS.length)] as Kind;
    return { values: kind(ordinary, random), isOdd: true };
  });
}

/** Bytes follow how busy the host is, over three orders of magnitude; latency follows bytes, and how far away the others are. */
function ordinaryRow(random: Random): TrafficRow['values'] {
  const busy = 6 + normal(random) * 1.3;
  const bytesIn = Math.exp(busy + 2 + normal(random) * 0.25);
  const bytesOut = Math.exp(0.7 * busy + 5 + normal(random) * 0.25);
  const latency = Math.exp(2 + 0.25 * busy + normal(random) * 0.15);
  return [bytesIn, bytesOut, latency];
}

function between(random: Random, low: number, high: number): number {
  return low + random.next() * (high - low);
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
