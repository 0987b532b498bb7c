/** `22:00-06:00`: a span of every day, over midnight where it ends before it begins. Spec: docs/spec/18-rules.md §3. Pure. */

/** The end is outside; equal ends are the whole day. A text that is no span holds never. */
export function isWithin(span: string, minuteOfDay: number): boolean {
  const ends = readSpan(span);
  if (ends === undefined) return false;
  const [from, to] = ends;
  if (from === to) return true;
  if (from < to) return minuteOfDay >= from && minuteOfDay < to;
  return minuteOfDay >= from || minuteOfDay < to;
}

function readSpan(span: string): [from: number, to: number] | undefined {
  const match = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(span);
  if (match === null) return undefined;
  const [, fromHour, fromMinute, toHour, toMinute] = match.map(Number);
  return [(fromHour ?? 0) * 60 + (fromMinute ?? 0), (toHour ?? 0) * 60 + (toMinute ?? 0)];
}
