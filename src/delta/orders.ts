/** What a thread of a crew is told to do, and its doing: the same in a thread and without one. */
import { ContentHasher, type ContentHashes } from './content-hasher.ts';
import { type CutBlock, cutBlock } from './cut-block.ts';
import { type CompressedOperation, decodeBlock } from './decode-block.ts';
import { type BlockTask, type EncodedBlock, encodeBlock } from './encode-block.ts';
import type { SlotMemory } from './slot-memory.ts';

export type Order =
  | { readonly do: 'decode'; readonly slot: number; readonly operation: CompressedOperation }
  | { readonly do: 'encode'; readonly slot: number; readonly task: BlockTask }
  | { readonly do: 'cut'; readonly slot: number; readonly byteCount: number; readonly meanBytes: number }
  | { readonly do: 'begin_hash'; readonly sizeBytes: number }
  | { readonly do: 'hash'; readonly slot: number; readonly byteCount: number }
  | { readonly do: 'end_hash' };

export interface Answers {
  readonly decode: undefined;
  readonly encode: EncodedBlock;
  readonly cut: CutBlock;
  readonly begin_hash: undefined;
  readonly hash: undefined;
  readonly end_hash: ContentHashes;
}

export type Answer<Given extends Order> = Answers[Given['do']];

export class OrderTaker {
  readonly #memory: SlotMemory;
  #hasher = new ContentHasher(0);

  constructor(memory: SlotMemory) {
    this.#memory = memory;
  }

  /** Throws DeltaError. */
  carryOut(order: Order): Answers[keyof Answers] {
    switch (order.do) {
      case 'decode':
        decodeBlock(this.#memory, order.slot, order.operation);
        return undefined;
      case 'encode':
        return encodeBlock(this.#memory, order.slot, order.task);
      case 'cut':
        return cutBlock(this.#memory.area(order.slot, 'target', order.byteCount), order.meanBytes);
      case 'begin_hash':
        this.#hasher = new ContentHasher(order.sizeBytes);
        return undefined;
      case 'hash':
        this.#hasher.update(this.#memory.area(order.slot, 'target', order.byteCount));
        return undefined;
      case 'end_hash':
        return this.#hasher.digest();
    }
  }
}
