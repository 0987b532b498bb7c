/**
 * Rates by the time of day: `22:00-06:00 unlimited`, `08:00-18:00 2Mbps`, `08:00-18:00 5Mbps/1Mbps` (down/up). Local time as
 * the clock on the wall shows it, so that a change to summer time moves nothing. Pure. Spec: docs/spec/10-transfer.md §11.
 */
import { TransferError } from '../errors.ts';
import { formatRate, parseRate } from './rate-value.ts';

export interface ScheduleEntry {
  /** Minutes since midnight; the entry holds from `from` until before `to`, over midnight when `to` is not later. */
  readonly from: number;
  readonly to: number;
  readonly download: number;
  readonly upload: number;
}

/** What the clock on the wall shows: minutes since midnight. */
export type WallClock = (nowMs: number) => number;

export const localWallClock: WallClock = (nowMs) => {
  const date = new Date(nowMs);
  return date.getHours() * 60 + date.getMinutes();
};

const ENTRY = /^([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)\s+(.+)$/;
const MINUTE_MS = 60_000;
/** Two days: every entry begins or ends within one, whatever the clocks are changed by. */
const HORIZON_MINUTES = 2 * 24 * 60;

/** Throws TransferError `bad_schedule`, `bad_rate`. */
export function parseScheduleEntry(text: string): ScheduleEntry {
  const [, fromHour, fromMinute, toHour, toMinute, rates = ''] = ENTRY.exec(text.trim()) ?? [];
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  if (!(to <= 24 * 60)) throw badSchedule(text, 'wanted HH:MM-HH:MM and a rate, like 22:00-06:00 unlimited');
  if (from === to % (24 * 60) && to !== 24 * 60) throw badSchedule(text, 'it begins when it ends; wanted two times');
  const [download, upload] = parseRates(text, rates);
  return { from, to: to % (24 * 60), download, upload };
}

/** One rate for both directions, or two with a slash between that is not part of a unit. */
function parseRates(text: string, rates: string): [number, number] {
  const [first = '', second, ...more] = rates.split(/\/(?!s\b)/);
  if (more.length > 0) throw badSchedule(text, 'wanted one rate, or download/upload');
  const download = parseRate(first);
  return [download, second === undefined ? download : parseRate(second)];
}

export function formatScheduleEntry({ from, to, download, upload }: ScheduleEntry): string {
  const rates = download === upload ? formatRate(download) : `${formatRate(download)}/${formatRate(upload)}`;
  return `${formatTime(from)}-${formatTime(to)} ${rates}`;
}

/** The first entry that holds at this time of day. */
export function entryAt(schedule: readonly ScheduleEntry[], minute: number): ScheduleEntry | undefined {
  return schedule.find(({ from, to }) => (from < to ? minute >= from && minute < to : minute >= from || minute < to));
}

/** When another entry holds, or none; undefined when that never happens. Looks at the wall, minute by minute. */
export function nextChangeMs(
  schedule: readonly ScheduleEntry[],
  nowMs: number,
  wall: WallClock = localWallClock,
): number | undefined {
  if (schedule.length === 0) return undefined;
  const now = entryAt(schedule, wall(nowMs));
  const startMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  for (let minutes = 1; minutes <= HORIZON_MINUTES; minutes += 1) {
    const atMs = startMs + minutes * MINUTE_MS;
    if (entryAt(schedule, wall(atMs)) !== now) return atMs;
  }
  return undefined;
}

function formatTime(minutes: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function badSchedule(text: string, why: string): TransferError {
  return new TransferError('bad_schedule', `Reading the schedule ${JSON.stringify(text.slice(0, 60))}: ${why}`);
}
