/** Sizes in a package's manifest: exact bytes beside what people read, in decimal units. Spec: docs/spec/21-packages.md §5. Pure. */
import { MB } from '../../core/index.ts';

const UNITS: readonly (readonly [unit: string, bytes: number])[] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
  ['B', 1],
];
const READABLE = /^(\d{1,15}(?:\.\d{1,3})?) ?(TB|GB|MB|kB|KB|B)$/;

/** `50MB`, `4.5GB`: two digits that count, and none that say nothing. */
export function readableSize(sizeBytes: number): string {
  const [unit, unitBytes] = UNITS.find(([, bytes]) => sizeBytes >= bytes * ROUNDS_UP) ?? ['B', 1];
  const value = sizeBytes / unitBytes;
  return `${value < 9.95 && unit !== 'B' ? Number(value.toFixed(1)) : Math.round(value)}${unit}`;
}

/** 999,600 bytes are 1MB and not 1000kB. */
const ROUNDS_UP = 0.9995;

/** Decimal megabytes, `size_mb`: with one digit behind the point below ten, and at least 0.1 for anything. */
export function sizeInMb(sizeBytes: number): number {
  const value = sizeBytes / MB;
  if (value >= 9.95) return Math.round(value);
  return sizeBytes === 0 ? 0 : Math.max(0.1, Number(value.toFixed(1)));
}

/** Undefined for what is no size. */
export function readSize(text: string): number | undefined {
  const [, digits, unit = 'B'] = READABLE.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const bytes = UNITS.find(([name]) => name.toLowerCase() === unit.toLowerCase())?.[1] ?? 1;
  return Math.round(Number(digits) * bytes);
}

/** Is a size as people read it near enough to the exact one? Others round differently: a twentieth, and a megabyte. */
export function isAbout(saidBytes: number, sizeBytes: number): boolean {
  return Math.abs(saidBytes - sizeBytes) <= Math.max(MB, sizeBytes / 20);
}
