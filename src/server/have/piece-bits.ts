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
