/** Writes a difference in order: copies that go on are one, and what is not worth it any more is stopped. Spec: docs/spec/22-differences.md §1, §5.6. */
import { createHash } from 'node:crypto';
import type { Sha256 } from '../core/index.ts';
import { type DifferenceHeader, encodeHeader } from './header.ts';
import { END_OPERATION, type Encoding, encodeOperation, MAX_COPY_BYTES, type Operation } from './operation.ts';

/** Takes the difference's bytes in order. They are valid until the promise resolves. */
export interface DifferenceSink {
  write(bytes: Buffer): Promise<void>;
}

export interface EncodingCount {
  readonly operations: number;
  readonly targetBytes: number;
  readonly payloadBytes: number;
}

export class TooLarge extends Error {}

export class DifferenceWriter {
  readonly #sink: DifferenceSink;
  readonly #mostBytes: number;
  readonly #hash = createHash('sha256');
  readonly #counts = new Map<Encoding, EncodingCount>();
  #sizeBytes = 0;
  #copy: Operation | undefined;

  constructor(sink: DifferenceSink, mostBytes: number) {
    this.#sink = sink;
    this.#mostBytes = mostBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get encodings(): Readonly<Partial<Record<Encoding, EncodingCount>>> {
    return Object.fromEntries(this.#counts);
  }

  begin(header: DifferenceHeader): Promise<void> {
    return this.#write(encodeHeader(header));
  }

  /** Throws TooLarge. */
  async add(operation: Operation, payload: Buffer): Promise<void> {
    if (operation.kind === 'copy' && this.#goesOn(operation)) return;
    await this.#flushCopy();
    if (operation.kind === 'copy') this.#copy = operation;
    else await this.#put(operation, payload);
  }

  async end(): Promise<Sha256> {
    await this.#flushCopy();
    await this.#write(encodeOperation(END_OPERATION));
    return this.#hash.digest('hex') as Sha256;
  }

  #goesOn({ baseOffset, targetBytes }: Operation): boolean {
    const copy = this.#copy;
    if (copy === undefined || copy.baseOffset + copy.baseBytes !== baseOffset) return false;
    const bytes = copy.targetBytes + targetBytes;
    if (bytes > MAX_COPY_BYTES) return false;
    this.#copy = { ...copy, targetBytes: bytes, baseBytes: bytes };
    return true;
  }

  async #flushCopy(): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    if (copy !== undefined) await this.#put(copy, Buffer.alloc(0));
  }

  async #put(operation: Operation, payload: Buffer): Promise<void> {
    const { kind, targetBytes, payloadBytes } = operation;
    if (kind !== 'end') {
      const before = this.#counts.get(kind) ?? { operations: 0, targetBytes: 0, payloadBytes: 0 };
      this.#counts.set(kind, {
        operations: before.operations + 1,
        targetBytes: before.targetBytes + targetBytes,
        payloadBytes: before.payloadBytes + payloadBytes,
      });
    }
    await this.#write(encodeOperation(operation));
    if (payload.length > 0) await this.#write(payload);
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > this.#mostBytes) throw new TooLarge();
    this.#hash.update(bytes);
    await this.#sink.write(bytes);
  }
}
