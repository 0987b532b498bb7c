/**
 * What a node says of the pieces it holds, as frames: u8 type, u32 length, payload, big-endian. Spec: 10-transfer §8.
 * The peer controls every byte; what it can make us hold is one frame of `haveFrameBytes`.
 */
import { ProtocolError } from './errors.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

export type HaveFrame =
  | { readonly type: 'alive' }
  | { readonly type: 'holds_all' }
  /** One bit a piece, most significant first; spare bits are 0. */
  | { readonly type: 'holds'; readonly bits: Uint8Array }
  | { readonly type: 'gained'; readonly indexes: readonly number[] }
  | { readonly type: 'sent'; readonly indexes: readonly number[] }
  | { readonly type: 'others'; readonly count: number };

const HEAD_BYTES = 5;
const CODES = { alive: 0, holds_all: 1, holds: 2, gained: 3, sent: 4, others: 5 } as const;
const INDEXES_PER_FRAME = PROTOCOL_LIMITS.haveFrameBytes / 4;

/** One frame; lists of indexes longer than a frame holds become several. */
export function encodeHaveFrame(frame: HaveFrame): Buffer {
  if (frame.type === 'gained' || frame.type === 'sent') return encodeIndexes(CODES[frame.type], frame.indexes);
  if (frame.type === 'holds') return framed(CODES.holds, frame.bits);
  if (frame.type === 'others') return framed(CODES.others, u32s([frame.count]));
  return framed(CODES[frame.type], Buffer.alloc(0));
}

function encodeIndexes(code: number, indexes: readonly number[]): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < indexes.length; at += INDEXES_PER_FRAME)
    frames.push(framed(code, u32s(indexes.slice(at, at + INDEXES_PER_FRAME))));
  return Buffer.concat(frames);
}

function framed(code: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(HEAD_BYTES + payload.length);
  frame.writeUInt8(code, 0);
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, HEAD_BYTES);
  return frame;
}

function u32s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => {
    bytes.writeUInt32BE(value, at * 4);
  });
  return bytes;
}

/** Takes bytes as they come and yields whole frames; types it does not know are left out. */
export class HaveFrameDecoder {
  readonly #pieceCount: number;
  readonly #onFrame: () => void;
  readonly #buffer = Buffer.alloc(HEAD_BYTES + PROTOCOL_LIMITS.haveFrameBytes);
  #filled = 0;
  #isBegun = false;

  /** `onFrame` is told of each before it is read, those that are left out among them. */
  constructor(pieceCount: number, onFrame: () => void = () => {}) {
    this.#pieceCount = pieceCount;
    this.#onFrame = onFrame;
  }

  /** Between two frames: where an answer may end. */
  get isWhole(): boolean {
    return this.#filled === 0 && this.#isBegun;
  }

  /** Throws ProtocolError `malformed`, `too_large`; after that it is of no use. */
  *push(bytes: Uint8Array): Generator<HaveFrame> {
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(this.#wanted() - this.#filled, bytes.length - at);
      this.#buffer.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled < HEAD_BYTES || this.#filled < this.#wanted()) continue;
      const frame = this.#take();
      if (frame !== undefined) yield frame;
    }
  }

  #wanted(): number {
    if (this.#filled < HEAD_BYTES) return HEAD_BYTES;
    const length = this.#buffer.readUInt32BE(1);
    if (length <= PROTOCOL_LIMITS.haveFrameBytes) return HEAD_BYTES + length;
    throw new ProtocolError(
      'too_large',
      `Reading piece news: a frame of ${length} bytes, at most ${PROTOCOL_LIMITS.haveFrameBytes}`,
    );
  }

  #take(): HaveFrame | undefined {
    this.#onFrame();
    const payload = this.#buffer.subarray(HEAD_BYTES, this.#filled);
    const frame = decode(this.#buffer.readUInt8(0), payload, this.#pieceCount);
    this.#filled = 0;
    if (frame === undefined || frame.type === 'alive') return frame;
    const isState = frame.type === 'holds_all' || frame.type === 'holds';
    if (!isState && !this.#isBegun) throw malformed(`${frame.type} before what is held`);
    this.#isBegun = true;
    return frame;
  }
}

function decode(code: number, payload: Buffer, pieceCount: number): HaveFrame | undefined {
  switch (code) {
    case CODES.alive:
      return verifyLength(payload, 0) && { type: 'alive' };
    case CODES.holds_all:
      return verifyLength(payload, 0) && { type: 'holds_all' };
    case CODES.holds:
      return { type: 'holds', bits: toBits(payload, pieceCount) };
    case CODES.gained:
      return { type: 'gained', indexes: toIndexes(payload, pieceCount) };
    case CODES.sent:
      return { type: 'sent', indexes: toIndexes(payload, pieceCount) };
    case CODES.others:
      return verifyLength(payload, 4) && { type: 'others', count: payload.readUInt32BE(0) };
    default:
      return undefined;
  }
}

function verifyLength(payload: Buffer, wanted: number): true {
  if (payload.length === wanted) return true;
  throw malformed(`a payload of ${payload.length} bytes, wanted ${wanted}`);
}

function toBits(payload: Buffer, pieceCount: number): Uint8Array {
  verifyLength(payload, Math.ceil(pieceCount / 8));
  const spare = payload.length * 8 - pieceCount;
  if (((payload.at(-1) ?? 0) & ((1 << spare) - 1)) !== 0) throw malformed('bits of pieces that the blob does not have');
  return Uint8Array.from(payload);
}

function toIndexes(payload: Buffer, pieceCount: number): number[] {
  if (payload.length === 0 || payload.length % 4 !== 0) throw malformed(`${payload.length} bytes of piece numbers`);
  return Array.from({ length: payload.length / 4 }, (_, at) => {
    const index = payload.readUInt32BE(at * 4);
    if (index < pieceCount) return index;
    throw malformed(`piece ${index}, the blob has ${pieceCount}`);
  });
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('malformed', `Reading piece news: ${what}`);
}
