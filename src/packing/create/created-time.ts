/** When a package was made: the same each time it is made of the same things. Pure. Spec: docs/spec/21-packages.md §13. */
import { PackingError } from '../errors.ts';

export interface TimeFacts {
  /** `SOURCE_DATE_EPOCH`: seconds since 1970. */
  readonly epoch: string | undefined;
  /** What mission.yaml says. */
  readonly said: string | undefined;
  /** When files of the mission changed last. */
  readonly mtimesMs: readonly number[];
  /** When models of the library were made, as their manifests say. */
  readonly madeAt: readonly string[];
}

/** RFC 3339, whole seconds. Throws PackingError `bad_mission`. */
export function createdTime({ epoch, said, mtimesMs, madeAt }: TimeFacts): string {
  if (epoch !== undefined && epoch !== '') return toText(epochMs(epoch));
  if (said !== undefined) return toText(Date.parse(said));
  const times = [...mtimesMs, ...madeAt.map((text) => Date.parse(text)).filter(Number.isFinite)];
  return toText(times.reduce((newest, time) => Math.max(newest, time), 0));
}

function epochMs(text: string): number {
  const ms = /^\d{1,12}$/.test(text) ? Number(text) * 1000 : Number.NaN;
  if (ms <= MOST_MS) return ms;
  throw new PackingError(
    'bad_mission',
    `Reading SOURCE_DATE_EPOCH: ${JSON.stringify(text)}, wanted seconds since 1970`,
  );
}

/** Years of four digits. */
const MOST_MS = Date.parse('9999-12-31T23:59:59Z');

function toText(ms: number): string {
  return `${new Date(Math.min(ms, MOST_MS)).toISOString().slice(0, 19)}Z`;
}
