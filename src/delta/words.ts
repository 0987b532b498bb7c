/** The 32-bit words that hold the first n bytes of an array. It begins at a whole word, and its memory has the last one whole. */
export function wordsOf(bytes: Uint8Array, byteCount: number): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, Math.ceil(byteCount / 4));
}
