/**
 * The messages of a transfer over a WebSocket: read as others may send them, written with the stated fields alone.
 * Spec: docs/spec/14-websocket.md §2.
 */
import { z } from 'zod';
import { modelIdSchema, sha256Schema } from './catalog.ts';
import { ProtocolError } from './errors.ts';
import { lenientObject, reasonOf } from './lenient.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

export const CANCEL_REASONS = ['hash_mismatch', 'timeout', 'network_error', 'user_cancelled', 'storage_full'] as const;
export type CancelReason = (typeof CANCEL_REASONS)[number];

const nodeName = z.string().max(PROTOCOL_LIMITS.labelChars);
const label = z.string().max(PROTOCOL_LIMITS.labelChars);
const requestId = z.string().min(1).max(PROTOCOL_LIMITS.requestIdChars);
const byteCount = z.number().int().nonnegative().max(PROTOCOL_LIMITS.blobBytes);
const chunkCount = z.number().int().nonnegative().max(PROTOCOL_LIMITS.blobBytes);
const amount = z.number().nonnegative();
const text = z.string().transform((long) => long.slice(0, PROTOCOL_LIMITS.cancelMessageChars));

/** Bytes in base64 with padding; whatever the decoder would skip makes the length wrong. */
function base64Bytes(maxBytes: number) {
  return z
    .string()
    .max(Math.ceil(maxBytes / 3) * 4)
    .transform((encoded, context): Buffer => {
      const bytes: Buffer = Buffer.from(encoded, 'base64');
      if (encoded.length % 4 === 0 && bytes.length === decodedLength(encoded) && bytes.length <= maxBytes) return bytes;
      context.addIssue({ code: 'custom', message: `not base64 of at most ${maxBytes} bytes` });
      return z.NEVER;
    });
}

function decodedLength(encoded: string): number {
  const padding = encoded.endsWith('==') ? 2 : Number(encoded.endsWith('='));
  return (encoded.length / 4) * 3 - padding;
}

const requestShape = {
  type: z.literal('model_request'),
  request_id: requestId,
  requester_node_id: nodeName.default(''),
  target_node_id: nodeName.default(''),
  model_id: modelIdSchema,
  resume_from_byte: byteCount.default(0),
  transport: z.enum(['http', 'websocket']).catch('websocket'),
  end_byte: byteCount.optional(),
  resume_bitmap: base64Bytes(PROTOCOL_LIMITS.resumeBitmapBytes).optional(),
  sha256: sha256Schema.optional(),
  version: z.string().min(1).max(PROTOCOL_LIMITS.versionChars).optional(),
  content: z.enum(['blob', 'pieces']).optional(),
  forms: z.array(label).max(8).optional(),
};

const startShape = {
  type: z.literal('model_transfer_start'),
  request_id: requestId,
  model_id: modelIdSchema,
  total_bytes: byteCount,
  total_chunks: chunkCount,
  chunk_size: z.number().int().positive().max(PROTOCOL_LIMITS.binaryChunkBytes),
  sha256: sha256Schema,
  metadata: lenientObject({
    name: label.optional(),
    type: label.optional(),
    format: label.optional(),
    classes: z.array(label).max(PROTOCOL_LIMITS.classesPerModel).optional(),
  }).default({}),
  transfer_method: z.enum(['http_range', 'websocket_chunked']).catch('websocket_chunked'),
  form: z.enum(['json', 'binary']).default('json'),
  resume_from_byte: byteCount.optional(),
  end_byte: byteCount.optional(),
};

const chunkShape = {
  type: z.literal('model_transfer_chunk'),
  request_id: requestId,
  model_id: modelIdSchema,
  chunk_index: chunkCount,
  total_chunks: chunkCount,
  chunk_bytes: base64Bytes(PROTOCOL_LIMITS.chunkBytes).refine((bytes) => bytes.length > 0, 'no bytes'),
  chunk_sha256: sha256Schema.optional(),
};

const ackShape = {
  type: z.literal('model_transfer_chunk_ack'),
  request_id: requestId,
  chunk_index: chunkCount,
  status: z.literal('received'),
};

const completeShape = {
  type: z.literal('model_transfer_complete'),
  request_id: requestId,
  model_id: modelIdSchema,
  total_bytes_received: byteCount,
  sha256_computed: label.optional(),
  sha256_expected: label.optional(),
  verification_status: label,
};

const cancelShape = {
  type: z.literal('model_transfer_cancel'),
  request_id: requestId,
  model_id: label.default(''),
  reason: z.enum(CANCEL_REASONS).catch('network_error'),
  message: text.default(''),
  cancelled_by: nodeName.default(''),
  code: label.optional(),
  retry_after_s: z.number().nonnegative().max(PROTOCOL_LIMITS.maxTtlSeconds).optional(),
};

const progressShape = {
  type: z.literal('model_transfer_progress'),
  request_id: requestId,
  model_id: modelIdSchema,
  bytes_downloaded: byteCount,
  total_bytes: byteCount,
  progress_percent: amount.max(100),
  transfer_rate_mbps: amount,
  eta_seconds: amount.optional(),
  chunks_received: chunkCount.optional(),
  total_chunks: chunkCount.optional(),
};

const SCHEMAS = {
  model_request: lenientObject(requestShape),
  model_transfer_start: lenientObject(startShape)
    .refine((start) => start.total_chunks === Math.ceil(start.total_bytes / start.chunk_size), {
      path: ['total_chunks'],
      message: 'not the number of chunks of this size in total_bytes',
    })
    .refine((start) => start.form === 'binary' || start.chunk_size <= PROTOCOL_LIMITS.chunkBytes, {
      path: ['chunk_size'],
      message: `more than ${PROTOCOL_LIMITS.chunkBytes} in the JSON form`,
    }),
  model_transfer_chunk: lenientObject(chunkShape).refine((chunk) => chunk.chunk_index < chunk.total_chunks, {
    path: ['chunk_index'],
    message: 'not below total_chunks',
  }),
  model_transfer_chunk_ack: lenientObject(ackShape),
  model_transfer_complete: lenientObject(completeShape),
  model_transfer_cancel: lenientObject(cancelShape),
  model_transfer_progress: lenientObject(progressShape),
};

const SHAPES = {
  model_request: requestShape,
  model_transfer_start: startShape,
  model_transfer_chunk: chunkShape,
  model_transfer_chunk_ack: ackShape,
  model_transfer_complete: completeShape,
  model_transfer_cancel: cancelShape,
  model_transfer_progress: progressShape,
};

type Schemas = typeof SCHEMAS;
export type TransferMessageType = keyof Schemas;
type Read<Type extends TransferMessageType> = z.infer<Schemas[Type]>;

export type TransferRequest = Read<'model_request'>;
export type TransferStart = Read<'model_transfer_start'>;
export type TransferCancel = Read<'model_transfer_cancel'>;
export type TransferMessage = { [Type in TransferMessageType]: Read<Type> }[TransferMessageType];
/** What may be written: the defaults may be left out, unknown fields are not. */
export type OutgoingTransferMessage = {
  [Type in TransferMessageType]: Pick<Read<Type>, Extract<keyof (typeof SHAPES)[Type], keyof Read<Type>>>;
}[TransferMessageType];

/** Reads one message. Throws ProtocolError `malformed`; the criteria form of `model_request` is not one of these. */
export function parseTransferMessage(value: unknown): TransferMessage {
  const type = typeOf(value);
  const schema = type === undefined ? undefined : SCHEMAS[type];
  if (schema === undefined) throw malformed('a transfer message', 'type: not one of a transfer');
  if (type === 'model_request' && isCriteriaForm(value)) throw malformed('model_request', 'it has criteria');
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data as TransferMessage;
  throw malformed(String(type), reasonOf(parsed.error), parsed.error);
}

/** Undefined for anything that is not a transfer's message, so that others can share the socket. */
export function typeOf(value: unknown): TransferMessageType | undefined {
  const type = (value as { type?: unknown } | null)?.type;
  return typeof type === 'string' && Object.hasOwn(SCHEMAS, type) ? (type as TransferMessageType) : undefined;
}

function isCriteriaForm(value: unknown): boolean {
  return ((value as { criteria?: unknown }).criteria ?? undefined) !== undefined;
}

/** As JSON, with the fields of §2 in their order and nothing else. */
export function encodeTransferMessage(message: OutgoingTransferMessage): string {
  const fields = Object.keys(SHAPES[message.type]).flatMap((key) => {
    const value = (message as Record<string, unknown>)[key];
    return value === undefined ? [] : [[key, Buffer.isBuffer(value) ? value.toString('base64') : value]];
  });
  return JSON.stringify(Object.fromEntries(fields));
}

function malformed(what: string, reason: string, cause?: unknown): ProtocolError {
  return new ProtocolError('malformed', `Reading ${what}: ${reason}`, cause === undefined ? {} : { cause });
}
