/** Numbers and times for people. Pure. Sizes: `formatBytes` of core. */
import { formatBytes } from '../core/index.ts';

/** `0:07`, `3:20`, `1:02:03`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const tail = String(rest).padStart(2, '0');
  return hours === 0 ? `${minutes}:${tail}` : `${hours}:${String(minutes).padStart(2, '0')}:${tail}`;
}

/** `850 ms`, `3.2 s`, `4 min 5 s`, `2 h 3 min`, `5 d 1 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `just now`, `12 s ago`, `3 d ago`; `not lately` without a time: words that were heard long ago are not kept. */
export function formatAge(iso: string | null, nowMs: number): string {
  if (iso === null) return 'not lately';
  const seconds = Math.round((nowMs - Date.parse(iso)) / 1000);
  if (!Number.isFinite(seconds)) return iso;
  if (seconds < 2) return 'just now';
  const [size, unit] =
    seconds < 120 ? [1, 's'] : seconds < 7200 ? [60, 'min'] : seconds < 172_800 ? [3600, 'h'] : [86_400, 'd'];
  return `${Math.round(seconds / Number(size))} ${unit} ago`;
}

/** `2027-01-01 22:00`, by the clock on the wall here. */
export function formatMoment(iso: string): string {
  return new Date(iso).toLocaleString('sv').slice(0, 16);
}

/** The same, to the second. */
export function formatSecond(iso: string): string {
  return new Date(iso).toLocaleString('sv').slice(0, 19);
}

/** Rates travel in megabits a second; people see bytes, as sizes are. */
export function formatRate(mbps: number): string {
  return `${formatBytes((mbps / 8) * 1_000_000)}/s`;
}

/** `7.2 billion`, `60 million`, `15`; undefined where it is not known. */
export function formatParameters(billions: number | undefined): string | undefined {
  if (billions === undefined) return undefined;
  const count = Math.round(billions * 1e9);
  if (count < 1e6) return String(count);
  const [size, unit] = count < 999_500_000 ? [1e6, 'million'] : [1e9, 'billion'];
  return `${Number((count / Number(size)).toPrecision(3))} ${unit}`;
}

/** Ids that nobody types as the 8 characters that commands take of them: `command 5556da4e`. */
export function shortenIds(text: string): string {
  return text.replaceAll(/\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '$1');
}

export function formatPercent(percent: number): string {
  return `${Math.floor(Math.min(100, Math.max(0, percent)))}%`;
}

/** The first 12 digits, as far as anybody compares them by eye. */
export function formatDigest(sha256: string | null): string {
  return sha256 === null ? 'not read yet' : sha256.slice(0, 12);
}

export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
