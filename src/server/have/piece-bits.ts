/** Pieces as bits, most significant first, in plain bytes. 01-content §4. */
export function hasBit(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
}

/** True when it was not set before. */
export function setBit(bits: Uint8Array, index: number): boolean {
  if (hasBit(bits, index)) return false;
  bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
  return true;
}

/** Indexes that `bits` has and `others` has not, in order. */
export function bitsBeyond(bits: Uint8Array, others: Uint8Array): number[] {
  const indexes: number[] = [];
  for (let at = 0; at < bits.length; at += 1) {
    const more = (bits[at] ?? 0) & ~(others[at] ?? 0);
    for (let bit = 0; more !== 0 && bit < 8; bit += 1) if ((more & (0x80 >> bit)) !== 0) indexes.push(at * 8 + bit);
  }
  return indexes;
}
