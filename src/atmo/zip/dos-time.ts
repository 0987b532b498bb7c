/** An instant as zip archives keep it: UTC here, whatever the zone of the machine, in steps of two seconds from 1980 on. Pure. Spec: docs/spec/21-packages.md §2. */

export interface DosTime {
  readonly dosTime: number;
  readonly dosDate: number;
}

export function toDosTime(instant: Date): DosTime {
  const year = instant.getUTCFullYear();
  if (!(year >= 1980)) return { dosTime: 0, dosDate: (1 << 5) | 1 };
  if (year > 2107) return { dosTime: (23 << 11) | (59 << 5) | 29, dosDate: (127 << 9) | (12 << 5) | 31 };
  return {
    dosTime: (instant.getUTCHours() << 11) | (instant.getUTCMinutes() << 5) | (instant.getUTCSeconds() >> 1),
    dosDate: ((year - 1980) << 9) | ((instant.getUTCMonth() + 1) << 5) | instant.getUTCDate(),
  };
}
