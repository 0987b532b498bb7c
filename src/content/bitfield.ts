/** Which pieces are held: one bit each, most significant first, as it travels. Spec: docs/spec/01-content.md §4. */
export class Bitfield {
  readonly length: number;
  readonly #bits: Uint8Array;
  #count = 0;

  constructor(length: number, bits?: Uint8Array) {
    this.length = length;
    this.#bits = new Uint8Array(Math.ceil(length / 8));
    if (bits === undefined) return;
    for (let index = 0; index < length; index += 1) {
      if (((bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0) this.add(index);
    }
  }

  /** How many are held. */
  get count(): number {
    return this.#count;
  }

  has(index: number): boolean {
    return ((this.#bits[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
  }

  add(index: number): void {
    if (index < 0 || index >= this.length || this.has(index)) return;
    this.#bits[index >> 3] = (this.#bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
    this.#count += 1;
  }

  /** A copy of the bits; the spare bits of the last byte are 0. */
  toBytes(): Uint8Array {
    return this.#bits.slice();
  }
}
