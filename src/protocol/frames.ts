/**
 * Frames on a byte stream: 4 bytes big-endian length, then that many bytes of JSON. Used by every mesh protocol of ours.
 * Spec: docs/spec/02-records.md §2. A peer controls the length: it is checked before a byte is kept.
 */
import { ProtocolError } from './errors.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

const HEADER_BYTES = 4;

/** Throws ProtocolError `too_large` rather than send what the other side must refuse. */
export function encodeFrame(value: unknown, maxBytes: number = PROTOCOL_LIMITS.frameBytes): Buffer {
  const body = Buffer.from(JSON.stringify(value), 'utf8');
  if (body.length > maxBytes) throw tooLarge(body.length, maxBytes);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, HEADER_BYTES);
  return frame;
}

/** Cuts incoming bytes into frames' JSON values; holds at most one unfinished frame. */
export class FrameDecoder {
  readonly #maxBytes: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(maxBytes: number = PROTOCOL_LIMITS.frameBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of an unfinished frame; at the end of a stream anything but 0 means it was cut off. */
  get pendingBytes(): number {
    return this.#heldBytes;
  }

  /** Returns the values that `chunk` completes. Throws ProtocolError `too_large` or `malformed`. */
  push(chunk: Uint8Array): unknown[] {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const values: unknown[] = [];
    for (;;) {
      const frame = this.#takeFrame();
      if (frame === undefined) return values;
      values.push(parseJson(frame));
    }
  }

  #takeFrame(): Buffer | undefined {
    if (this.#heldBytes < HEADER_BYTES) return undefined;
    const header = this.#peek(HEADER_BYTES);
    const length = header.readUInt32BE(0);
    if (length > this.#maxBytes) throw tooLarge(length, this.#maxBytes);
    if (this.#heldBytes < HEADER_BYTES + length) return undefined;
    const all = Buffer.concat(this.#held);
    const rest = all.subarray(HEADER_BYTES + length);
    this.#held = rest.length > 0 ? [rest] : [];
    this.#heldBytes = rest.length;
    return all.subarray(HEADER_BYTES, HEADER_BYTES + length);
  }

  #peek(count: number): Buffer {
    const [first] = this.#held;
    if (first !== undefined && first.length >= count) return Buffer.from(first.buffer, first.byteOffset, count);
    return Buffer.concat(this.#held, Math.max(count, 0));
  }
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new ProtocolError('malformed', 'Reading a frame: it is not JSON', { cause });
  }
}

function tooLarge(length: number, maxBytes: number): ProtocolError {
  return new ProtocolError('too_large', `Reading a frame: ${length} bytes, at most ${maxBytes}`, {
    data: { length, maxBytes },
  });
}
