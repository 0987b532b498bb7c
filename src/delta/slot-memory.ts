/**
 * The memory that the threads share: a slot holds one block under way, what it is compared with, and its payload.
 * A slot belongs to one block from its reading until it is written; nobody else touches it.
 */
import { DELTA_LIMITS } from './limits.ts';

const { blockBytes, windowBytes } = DELTA_LIMITS;

const AREAS = {
  target: { at: 0, sizeBytes: blockBytes },
  /** The base's bytes of the same number. */
  first: { at: blockBytes, sizeBytes: blockBytes },
  /** Others of the same number. */
  second: { at: 2 * blockBytes, sizeBytes: blockBytes },
  /** The base's bytes that serve as a dictionary. */
  window: { at: 3 * blockBytes, sizeBytes: windowBytes },
  payload: { at: 3 * blockBytes + windowBytes, sizeBytes: blockBytes },
} as const;

export type AreaName = keyof typeof AREAS;

const SLOT_BYTES = 4 * blockBytes + windowBytes;

export class SlotMemory {
  readonly shared: SharedArrayBuffer;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
  }

  static ofSlots(slots: number): SlotMemory {
    return new SlotMemory(new SharedArrayBuffer(slots * SLOT_BYTES));
  }

  get slots(): number {
    return this.shared.byteLength / SLOT_BYTES;
  }

  /** The first bytes of an area, all of it unless given. */
  area(slot: number, name: AreaName, byteCount: number = AREAS[name].sizeBytes): Buffer {
    // Buffers over shared memory are what fs, zlib and crypto take; only the types of lib.dom say otherwise.
    return Buffer.from(this.shared as unknown as ArrayBuffer, slot * SLOT_BYTES + AREAS[name].at, byteCount);
  }
}
