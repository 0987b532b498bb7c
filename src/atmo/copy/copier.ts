/**
 * Moves the bytes of one file after another from where they are read to where they are written, computing digests on the way: one block
 * is read while others are hashed and written. Owns its blocks and its thread; whoever makes one closes it. A failure is thrown when
 * nothing touches the blocks any more. Spec: docs/spec/21-packages.md §2.
 */
import { AtmoError, assertGoesOn } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { ReadableBytes } from '../ports.ts';
import { DigestThread } from './digest-thread.ts';
import { type DigestWish, MemberDigest, type MemberDigests } from './member-digest.ts';

export interface CopyOrder extends DigestWish {
  /** For messages: `Writing models/a.gguf`. */
  readonly doing: string;
  readonly from: ReadableBytes;
  /** One call at a time, in order. Without it the bytes are only read. */
  readonly write?: (bytes: Buffer, position: number) => Promise<void>;
  readonly onBytes?: (byteCount: number) => void;
  readonly signal?: AbortSignal | undefined;
}

interface Digesting {
  update(bytes: Buffer): Promise<void> | undefined;
  end(): Promise<MemberDigests> | MemberDigests;
}

export class Copier {
  #blocks: Buffer[] | undefined;
  #thread: DigestThread | undefined;

  /** Reads exactly `sizeBytes`. Throws AtmoError `truncated`, `cancelled`, and whatever reading and writing throw. */
  async copy(order: CopyOrder): Promise<MemberDigests> {
    const digesting = this.#digesting(order);
    const blocks = this.#blocksFor(order.sizeBytes);
    const busy: Promise<unknown>[] = blocks.map(() => Promise.resolve());
    let writing = Promise.resolve();
    try {
      for (let position = 0, turn = 0; position < order.sizeBytes; turn = (turn + 1) % blocks.length) {
        await busy[turn];
        assertGoesOn(order.signal, order.doing);
        const bytes = await readBlock(order, blocks[turn] as Buffer, position);
        const at = position;
        writing = writing.then(() => writeBlock(order, bytes, at));
        position += bytes.length;
        busy[turn] = bothDone(writing, digesting.update(bytes));
        busy[turn]?.catch(() => undefined);
      }
      await Promise.all(busy);
    } catch (thrown) {
      await Promise.allSettled(busy);
      throw thrown;
    }
    return digesting.end();
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.close();
  }

  /** Small ones here: a thread takes longer to start than they to be hashed. */
  #digesting(wish: CopyOrder): Digesting {
    const { sizeBytes, wantsPieceRoot = false } = wish;
    if (sizeBytes <= ATMO_LIMITS.inlineHashBytes) return new InlineDigesting({ sizeBytes, wantsPieceRoot });
    this.#thread ??= new DigestThread();
    this.#thread.begin({ sizeBytes, wantsPieceRoot });
    return this.#thread;
  }

  #blocksFor(sizeBytes: number): Buffer[] {
    if (sizeBytes <= ATMO_LIMITS.copyBlockBytes && this.#blocks === undefined) return [Buffer.allocUnsafe(sizeBytes)];
    this.#blocks ??= Array.from({ length: ATMO_LIMITS.copyBlocks }, () =>
      Buffer.from(new SharedArrayBuffer(ATMO_LIMITS.copyBlockBytes) as unknown as ArrayBuffer),
    );
    return this.#blocks;
  }
}

class InlineDigesting implements Digesting {
  readonly #digest: MemberDigest;

  constructor(wish: DigestWish) {
    this.#digest = new MemberDigest(wish);
  }

  update(bytes: Buffer): undefined {
    this.#digest.update(bytes);
  }

  end(): MemberDigests {
    return this.#digest.end();
  }
}

/** Fails when neither reads the block any more. */
async function bothDone(one: Promise<void>, other: Promise<void> | undefined): Promise<void> {
  const ends = await Promise.allSettled([one, other]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function readBlock({ from, sizeBytes, doing }: CopyOrder, block: Buffer, position: number): Promise<Buffer> {
  const wanted = block.subarray(0, Math.min(block.length, sizeBytes - position));
  let filled = 0;
  while (filled < wanted.length) {
    const count = await from.read(wanted.subarray(filled), position + filled);
    if (count === 0)
      throw new AtmoError('truncated', `${doing}: it ends after ${position + filled} of ${sizeBytes} bytes`);
    filled += count;
  }
  return wanted;
}

async function writeBlock({ write, onBytes }: CopyOrder, bytes: Buffer, position: number): Promise<void> {
  await write?.(bytes, position);
  onBytes?.(bytes.length);
}
