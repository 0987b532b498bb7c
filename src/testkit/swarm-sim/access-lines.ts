/** Access lines of simulated machines, where the machines are, and what one TCP connection between two of them carries. */
import type { Random } from '../../core/index.ts';

/** Maximum segment of Ethernet with IPv4 and TCP timestamps. */
const SEGMENT_BYTES = 1448;
/** Mathis, Semke, Mahdavi and Ott (1997): rate = 1.22 · segment / (round trip · √loss). */
const MATHIS = 1.22;

export interface AccessLine {
  readonly upMbits: number;
  readonly downMbits: number;
  /** From the machine to its provider's backbone, one way. */
  readonly delayMs: number;
  readonly loss: number;
}

/** A machine's place: delay between two is the distance of their places plus that of both lines. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface LineShare extends AccessLine {
  readonly share: number;
}

/** ADSL, cable, fast cable with fibre's upload, fibre: most people's lines, most of them slow upwards. */
export const MIXED_LINES: readonly LineShare[] = [
  { share: 0.15, downMbits: 10, upMbits: 2, delayMs: 12, loss: 0.001 },
  { share: 0.45, downMbits: 50, upMbits: 10, delayMs: 8, loss: 0.0005 },
  { share: 0.3, downMbits: 100, upMbits: 40, delayMs: 5, loss: 0.0002 },
  { share: 0.1, downMbits: 1000, upMbits: 500, delayMs: 2, loss: 0.0001 },
];

export function pickLine(lines: readonly LineShare[], random: Random): AccessLine {
  const total = lines.reduce((sum, line) => sum + line.share, 0);
  let at = random.next() * total;
  for (const line of lines) {
    at -= line.share;
    if (at < 0) return line;
  }
  return lines.at(-1) as AccessLine;
}

export function toBytesPerMs(mbits: number): number {
  return mbits * 125;
}

export interface Located {
  readonly line: AccessLine;
  readonly place: Place;
}

export function roundTripMs(one: Located, other: Located): number {
  const distanceMs = Math.hypot(one.place.x - other.place.x, one.place.y - other.place.y);
  return 2 * (one.line.delayMs + other.line.delayMs + distanceMs);
}

/** Endless on a path without loss. */
export function connectionCapBytesPerMs(one: Located, other: Located): number {
  const loss = 1 - (1 - one.line.loss) * (1 - other.line.loss);
  if (loss <= 0) return Number.POSITIVE_INFINITY;
  return (MATHIS * SEGMENT_BYTES) / (Math.max(roundTripMs(one, other), 0.1) * Math.sqrt(loss));
}
