/**
 * Makes the target from a difference and its base. Blocks are read ahead, decoded by threads, and written and hashed in the
 * target's order; nothing is trusted before the digest of the whole is what the header says. Spec: docs/spec/22-differences.md §4.
 */
import { type PieceList, toPieceList } from '../content/index.ts';
import type { Sha256 } from '../core/index.ts';
import { type ByteSource, readFully } from './byte-source.ts';
import { type Crew, openCrew } from './crew.ts';
import type { CompressedOperation } from './decode-block.ts';
import { type DifferenceBytes, DifferenceInput } from './difference-input.ts';
import { DeltaError } from './errors.ts';
import type { BlobIdentity, DifferenceHeader } from './header.ts';
import { DELTA_LIMITS } from './limits.ts';
import type { Operation } from './operation.ts';
import { OperationGuard } from './operation-guard.ts';
import { SlotLine } from './slot-line.ts';

type BlockOperation = CompressedOperation | (Operation & { readonly kind: 'raw' });

/** Takes the target's bytes in order. They are valid until the promise resolves. */
export interface TargetSink {
  write(bytes: Buffer, position: number): Promise<void>;
}

export interface ApplyOptions {
  readonly difference: DifferenceBytes;
  readonly base: ByteSource;
  readonly sink: TargetSink;
  /** What the caller knows; a difference that says otherwise is not begun. */
  readonly expected?: { readonly baseSha256?: Sha256; readonly target?: BlobIdentity };
  readonly threads?: number;
  readonly onProgress?: (doneBytes: number, allBytes: number) => void;
  readonly signal?: AbortSignal;
}

export interface AppliedDifference {
  readonly header: DifferenceHeader;
  /** Hashes of the target's pieces and their root, for who will serve it. */
  readonly pieces: PieceList;
}

/** Resolves when the whole target is written and has its digest. Throws DeltaError, and what base and sink throw. */
export async function applyDifference(options: ApplyOptions): Promise<AppliedDifference> {
  await using input = new DifferenceInput(options.difference);
  const header = await input.header();
  assertExpected(header, options);
  const { target } = header;
  await using crew = openCrew(header.base.sizeBytes + target.sizeBytes, options.threads);
  await crew.order({ do: 'begin_hash', sizeBytes: target.sizeBytes });
  await new Application(options, input, header, crew).run();
  const { sha256, pieceHashes } = await crew.order({ do: 'end_hash' });
  if (sha256 !== target.sha256)
    throw new DeltaError('wrong_result', `Applying a difference: the result is ${sha256}, wanted ${target.sha256}`);
  return { header, pieces: toPieceList(target.sizeBytes, Buffer.from(pieceHashes)) };
}

function assertExpected({ base, target }: DifferenceHeader, options: ApplyOptions): void {
  const { expected } = options;
  if (base.sizeBytes !== options.base.sizeBytes || base.sha256 !== (expected?.baseSha256 ?? base.sha256))
    throw new DeltaError(
      'wrong_base',
      `Applying a difference: it is for a base of ${base.sizeBytes} bytes, ${base.sha256}; the one at hand has ${options.base.sizeBytes}, ${expected?.baseSha256 ?? 'digest not given'}`,
    );
  const wanted = expected?.target ?? target;
  if (target.sizeBytes !== wanted.sizeBytes || target.sha256 !== wanted.sha256)
    throw new DeltaError(
      'bad_header',
      `Applying a difference: it leads to ${target.sha256} of ${target.sizeBytes} bytes, wanted ${wanted.sha256} of ${wanted.sizeBytes}`,
    );
}

class Application {
  readonly #options: ApplyOptions;
  readonly #input: DifferenceInput;
  readonly #header: DifferenceHeader;
  readonly #crew: Crew;
  readonly #line: SlotLine;
  #position = 0;

  constructor(options: ApplyOptions, input: DifferenceInput, header: DifferenceHeader, crew: Crew) {
    this.#options = options;
    this.#input = input;
    this.#header = header;
    this.#crew = crew;
    this.#line = new SlotLine(crew.memory.slots);
  }

  async run(): Promise<void> {
    try {
      await this.#readOperations();
      await this.#line.drained();
    } finally {
      await this.#line.settled();
    }
  }

  async #readOperations(): Promise<void> {
    const guard = new OperationGuard(this.#header);
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const operation = await this.#input.operation();
      guard.admit(operation);
      if (operation.kind === 'end') return await this.#input.expectEnd();
      if (operation.kind === 'copy') await this.#copy(operation);
      else await this.#takeBlock(operation as BlockOperation);
    }
  }

  /** In blocks, however long. */
  async #copy({ baseOffset, targetBytes }: Operation): Promise<void> {
    const { base, signal } = this.#options;
    for (let done = 0; done < targetBytes; done += DELTA_LIMITS.blockBytes) {
      signal?.throwIfAborted();
      const byteCount = Math.min(DELTA_LIMITS.blockBytes, targetBytes - done);
      const slot = await this.#line.take();
      const area = this.#crew.memory.area(slot, 'target', byteCount);
      this.#hand(slot, byteCount, readFully(base, area, baseOffset + done));
    }
  }

  /** The payload is read here, in the difference's order; the rest is done while the next one comes. */
  async #takeBlock(operation: BlockOperation): Promise<void> {
    const { kind, targetBytes, payloadBytes } = operation;
    const slot = await this.#line.take();
    await this.#input.fill(this.#crew.memory.area(slot, kind === 'raw' ? 'target' : 'payload', payloadBytes));
    this.#hand(slot, targetBytes, operation.kind === 'raw' ? Promise.resolve() : this.#decode(slot, operation));
  }

  async #decode(slot: number, operation: CompressedOperation): Promise<void> {
    const { kind, baseOffset, baseBytes } = operation;
    const area = this.#crew.memory.area(slot, kind === 'patch' ? 'window' : 'first', baseBytes);
    if (baseBytes > 0) await readFully(this.#options.base, area, baseOffset);
    await this.#crew.order({ do: 'decode', slot, operation });
  }

  #hand(slot: number, byteCount: number, work: Promise<void>): void {
    const position = this.#position;
    this.#position += byteCount;
    this.#line.hand(slot, work, () => this.#finish(slot, byteCount, position));
  }

  async #finish(slot: number, byteCount: number, position: number): Promise<void> {
    const { signal, sink, onProgress } = this.#options;
    signal?.throwIfAborted();
    const bytes = this.#crew.memory.area(slot, 'target', byteCount);
    const done = await Promise.allSettled([
      sink.write(bytes, position),
      this.#crew.order({ do: 'hash', slot, byteCount }),
    ]);
    for (const one of done) if (one.status === 'rejected') throw one.reason;
    onProgress?.(position + byteCount, this.#header.target.sizeBytes);
  }
}
