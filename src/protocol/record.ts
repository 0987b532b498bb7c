/**
 * The signed record: how all mesh state travels and is kept. Spec: docs/spec/02-records.md §1.
 * A record replaces the same author's older one of the same kind and key, and nothing else.
 */
import { z } from 'zod';
import { isMeshId, isNodeId, type MeshId, type NodeId } from '../core/index.ts';
import { signatureSchema } from './canonical.ts';
import { ProtocolError } from './errors.ts';
import { isDeeper } from './json-shape.ts';
import { reasonOf } from './lenient.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

/** Who may author which kind, in words: docs/spec/02-records.md §3. */
export const RECORD_KINDS = [
  'certificate',
  'revocation',
  'heartbeat',
  'catalog',
  'outcome',
  'capability',
  'status',
  'exchange',
  'manifest',
  'deployment',
  'rules',
  'rollout',
  'access',
  'deprecation',
] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** A node, or the mesh's authority itself. */
export type RecordAuthor = NodeId | MeshId;

export const authorSchema = z
  .string()
  .refine((text) => isNodeId(text) || isMeshId(text), 'neither a node id nor a mesh id')
  .transform((text) => text as RecordAuthor);

export const recordSchema = z.object({
  type: z.literal('record'),
  kind: z.enum(RECORD_KINDS),
  author: authorSchema,
  /** Names the record among its author's of this kind: a page number, a node id, or empty. */
  key: z.string().max(100),
  /** Grows with every record of this author, over all kinds. */
  seq: z.number().int().positive(),
  /** Milliseconds since 1970. */
  issued_at: z.number().int().positive(),
  expires_at: z.number().int().positive(),
  payload: z.record(z.string(), z.unknown()),
  signature: signatureSchema,
});
export type SignedRecord = z.infer<typeof recordSchema>;

/** Shape only: signature, author and times are checked by the mesh's record validator. Throws `malformed`. */
export function parseRecord(value: unknown): SignedRecord {
  if (isDeeper(value, PROTOCOL_LIMITS.recordDepth))
    throw new ProtocolError('malformed', `Reading a record: it is nested over ${PROTOCOL_LIMITS.recordDepth} deep`);
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError('malformed', `Reading a record: ${reasonOf(parsed.error)}`, { cause: parsed.error });
}
