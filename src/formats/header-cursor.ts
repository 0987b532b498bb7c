/**
 * Reads forward through a header: `need(n)` makes n bytes ready, the plain reads after it are synchronous, so that a
 * tokenizer of a million strings costs no promise each. No length is used before it is compared with the file.
 * Spec: docs/spec/07-formats.md §1.
 */
import { KiB } from '../core/index.ts';
import { FormatsError, type FormatsErrorCode } from './errors.ts';
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';

const FIRST_FILL_BYTES = 4 * KiB;

export class HeaderCursor {
  readonly what: string;
  position = 0;
  readonly #source: HeaderSource;
  readonly #budgetBytes: number;
  #window = Buffer.alloc(0);
  #windowStart = 0;
  #windowEnd = 0;
  #fillBytes = FIRST_FILL_BYTES;
  #readBytes = 0;

  constructor(source: HeaderSource, what: string, budgetBytes: number) {
    this.#source = source;
    this.what = what;
    this.#budgetBytes = budgetBytes;
  }

  get remaining(): number {
    return this.#source.sizeBytes - this.position;
  }

  /** Are n bytes from here ready to be read at once? */
  has(byteCount: number): boolean {
    return this.position >= this.#windowStart && this.position + byteCount <= this.#windowEnd;
  }

  /** Makes n bytes from here ready. Throws `truncated`, `too_large_header`. */
  async need(byteCount: number): Promise<void> {
    if (this.has(byteCount)) return;
    if (byteCount > this.remaining) throw this.truncated(byteCount);
    const wanted = this.#wantedFill(byteCount);
    this.#readBytes += wanted;
    if (this.#readBytes > this.#budgetBytes)
      throw this.fail('too_large_header', `more than ${this.#budgetBytes} bytes of header`);
    if (this.#window.length < wanted) this.#window = Buffer.allocUnsafeSlow(wanted);
    const got = await this.#source.read(this.#window.subarray(0, wanted), this.position);
    this.#windowStart = this.position;
    this.#windowEnd = this.position + got;
    if (got < byteCount) throw this.truncated(byteCount);
  }

  u8(): number {
    return this.#window.readUInt8(this.#advance(1));
  }

  u32(): number {
    return this.#window.readUInt32LE(this.#advance(4));
  }

  /** A u64 that counts something. Throws `bad_header` above 2^53 − 1. */
  count(of: string): number {
    const low = this.u32();
    const high = this.u32();
    if (high >= 0x20_0000) throw this.fail('bad_header', `${of} is beyond 2^53`);
    return high * 0x1_0000_0000 + low;
  }

  /** The next n bytes, valid until the next `need`. */
  bytes(byteCount: number): Buffer {
    const at = this.#advance(byteCount);
    return this.#window.subarray(at, at + byteCount);
  }

  /** Moves on without reading. Throws `truncated` past the end of the file. */
  skip(byteCount: number): void {
    if (byteCount > this.remaining) throw this.truncated(byteCount);
    this.position += byteCount;
  }

  fail(code: FormatsErrorCode, fault: string): FormatsError {
    return new FormatsError(code, `Reading a ${this.what} header: ${fault} (at byte ${this.position})`, {
      data: { format: this.what, position: this.position },
    });
  }

  truncated(byteCount: number): FormatsError {
    return this.fail('truncated', `${byteCount} bytes are announced, ${this.remaining} are left`);
  }

  #advance(byteCount: number): number {
    const at = this.position - this.#windowStart;
    this.position += byteCount;
    return at;
  }

  /** Straight reading doubles the fill, a jump makes it small again. */
  #wantedFill(byteCount: number): number {
    const jumped = this.position > this.#windowEnd || this.position < this.#windowStart;
    this.#fillBytes = jumped ? FIRST_FILL_BYTES : Math.min(this.#fillBytes * 2, FORMATS_LIMITS.windowBytes);
    return Math.min(Math.max(byteCount, this.#fillBytes), this.remaining);
  }
}
