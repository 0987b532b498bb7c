/**
 * What is asked and answered on a blob stream of the mesh. Spec: docs/spec/10-transfer.md §9. A peer controls every field: a
 * range is bounded before anything is read for it, a length before a byte is kept.
 */
import { z } from 'zod';
import type { PieceRoot, Sha256 } from '../core/index.ts';
import { isSha256 } from '../core/index.ts';
import { ProtocolError } from './errors.ts';
import { encodeFrame } from './frames.ts';
import { lenientObject, reasonOf } from './lenient.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

export const BLOB_STREAM_PROTOCOL = '/atmosphere/blob/1';

const HEADER_BYTES = 4;

const digest = z
  .string()
  .refine((text) => isSha256(text), 'not a SHA-256 in hex')
  .transform((text) => text as Sha256);
const root = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'not a piece root in hex')
  .transform((text) => text as PieceRoot)
  .optional();
const position = z.number().int().nonnegative().max(PROTOCOL_LIMITS.blobBytes);

const requestSchema = z.discriminatedUnion('want', [
  z
    .looseObject({ want: z.enum(['bytes', 'pieces']), sha256: digest, start: position, end: position, root })
    .refine(({ start, end }) => start < end && end - start <= PROTOCOL_LIMITS.blobStreamBytes, 'not a range'),
  z.looseObject({ want: z.literal('have'), sha256: digest, root }),
  z.looseObject({
    want: z.literal('difference'),
    sha256: digest,
    bases: z.array(digest).min(1).max(PROTOCOL_LIMITS.differenceBases),
    made: z.boolean().optional(),
  }),
]);

export type BlobStreamRequest =
  | {
      readonly want: 'bytes' | 'pieces';
      readonly sha256: Sha256;
      readonly start: number;
      /** One past the last byte. */
      readonly end: number;
      readonly root?: PieceRoot | undefined;
    }
  | { readonly want: 'have'; readonly sha256: Sha256; readonly root?: PieceRoot | undefined }
  /** Which differences make it of one of the bases: 22-differences §7. */
  | {
      readonly want: 'difference';
      readonly sha256: Sha256;
      readonly bases: readonly Sha256[];
      /** Only what is made already. */
      readonly made?: boolean | undefined;
    };

const ERROR_WORDS = ['refused', 'not_permitted', 'not_held', 'not_held_yet', 'busy', 'bad_request'] as const;
export type BlobStreamErrorWord = (typeof ERROR_WORDS)[number];

const answerSchema = z.union([
  lenientObject({
    error: z.enum(ERROR_WORDS),
    retry_after_s: z.number().int().nonnegative().max(60).optional(),
  }),
  z.looseObject({ size: position, length: position.max(PROTOCOL_LIMITS.blobStreamBytes) }),
  z.looseObject({ follow: z.literal(true) }),
]);

/** The frame before the bytes. */
export type BlobStreamHead =
  | { readonly error: BlobStreamErrorWord; readonly retry_after_s?: number | undefined }
  | { readonly size: number; readonly length: number }
  | { readonly follow: true };

/** Throws ProtocolError `malformed`. */
export function parseBlobStreamRequest(value: unknown): BlobStreamRequest {
  const parsed = requestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError('malformed', `Reading a blob request: ${reasonOf(parsed.error)}`, { cause: parsed.error });
}

/** Throws ProtocolError `malformed`. */
export function parseBlobStreamHead(value: unknown): BlobStreamHead {
  const parsed = answerSchema.safeParse(value);
  if (parsed.success) return parsed.data as BlobStreamHead;
  throw new ProtocolError('malformed', `Reading a blob answer: ${reasonOf(parsed.error)}`, { cause: parsed.error });
}

export function encodeBlobStreamFrame(message: BlobStreamRequest | BlobStreamHead): Buffer {
  return encodeFrame(message, PROTOCOL_LIMITS.blobStreamFrameBytes);
}

/**
 * Cuts one small frame out of bytes that may go on with raw ones. Holds at most one frame.
 * `FrameDecoder` cannot do it: it takes everything for frames.
 */
export class SmallFrame {
  readonly #held = Buffer.alloc(HEADER_BYTES + PROTOCOL_LIMITS.blobStreamFrameBytes);
  #filled = 0;

  /** Undefined until the frame is whole; `used` bytes of the chunk were its. Throws ProtocolError. */
  push(chunk: Uint8Array): { readonly used: number; readonly value?: unknown } {
    let used = this.#take(chunk, HEADER_BYTES);
    if (this.#filled < HEADER_BYTES) return { used };
    const end = HEADER_BYTES + this.#length();
    used += this.#take(chunk.subarray(used), end);
    if (this.#filled < end) return { used };
    const text = this.#held.toString('utf8', HEADER_BYTES, end);
    this.#filled = 0;
    return { used, value: parseJson(text) };
  }

  get isBegun(): boolean {
    return this.#filled > 0;
  }

  /** Keeps bytes until `end` are there. */
  #take(chunk: Uint8Array, end: number): number {
    const count = Math.max(0, Math.min(chunk.length, end - this.#filled));
    this.#held.set(chunk.subarray(0, count), this.#filled);
    this.#filled += count;
    return count;
  }

  #length(): number {
    const length = this.#held.readUInt32BE(0);
    const most = PROTOCOL_LIMITS.blobStreamFrameBytes;
    if (length <= most) return length;
    throw new ProtocolError('too_large', `Reading a blob frame: ${length} bytes, at most ${most}`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('malformed', 'Reading a blob frame: it is not JSON', { cause });
  }
}
