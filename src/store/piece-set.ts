/** Which pieces: one bit each, most significant first, as in docs/spec/01-content.md §4. */
export class PieceSet {
  readonly length: number;
  readonly #bits: Uint8Array;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.#bits = new Uint8Array(Math.ceil(length / 8));
  }

  get count(): number {
    return this.#count;
  }

  has(index: number): boolean {
    return ((this.#bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
  }

  add(index: number): void {
    if (this.has(index)) return;
    this.#bits[index >> 3] = (this.#bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
    this.#count += 1;
  }

  delete(index: number): void {
    if (!this.has(index)) return;
    this.#bits[index >> 3] = (this.#bits[index >> 3] ?? 0) & ~(0x80 >> (index & 7));
    this.#count -= 1;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let index = 0; index < this.length; index += 1) if (this.has(index)) yield index;
  }

  /** A copy. */
  toBytes(): Uint8Array {
    return this.#bits.slice();
  }
}
