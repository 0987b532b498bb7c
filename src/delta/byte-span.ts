/** Some bytes of a file. */
export interface ByteSpan {
  readonly offset: number;
  readonly byteCount: number;
}

export function endOf({ offset, byteCount }: ByteSpan): number {
  return offset + byteCount;
}

/** What of a file of this size no span covers; spans in order, none overlapping. */
export function spansBetween(spans: readonly ByteSpan[], sizeBytes: number): ByteSpan[] {
  const between: ByteSpan[] = [];
  let at = 0;
  for (const span of [...spans, { offset: sizeBytes, byteCount: 0 }]) {
    if (span.offset > at) between.push({ offset: at, byteCount: span.offset - at });
    at = Math.max(at, endOf(span));
  }
  return between;
}
