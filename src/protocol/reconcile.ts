/** Questions and answers of reconciliation. Spec: docs/spec/02-records.md §7. */
import { z } from 'zod';
import { meshIdSchema, parseAs } from './certificate.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { authorSchema, RECORD_KINDS } from './record.ts';

const kind = z.enum(RECORD_KINDS);
const key = z.string().max(100);
const count = z.number().int().nonnegative();

const askDigestsSchema = z.object({
  type: z.literal('ask_digests'),
  mesh_id: meshIdSchema,
  /** The last author of the page before; absent for the first page. */
  after: z.string().max(100).optional(),
});
const askListSchema = z.object({
  type: z.literal('ask_list'),
  mesh_id: meshIdSchema,
  authors: z.array(authorSchema).min(1).max(PROTOCOL_LIMITS.reconcileAuthorsPerAsk),
  skip: count,
});
const askRecordsSchema = z.object({
  type: z.literal('ask_records'),
  mesh_id: meshIdSchema,
  ids: z
    .array(z.tuple([authorSchema, kind, key]))
    .min(1)
    .max(PROTOCOL_LIMITS.reconcileRecordsPerAsk),
});

/** The sender has learned something: ask it. */
const newsSchema = z.object({ type: z.literal('news'), mesh_id: meshIdSchema });

const digestSchema = z.object({ author: authorSchema, count, hash: z.string().regex(/^[0-9a-f]{64}$/) });
export type AuthorDigest = z.infer<typeof digestSchema>;

const digestsSchema = z.object({
  type: z.literal('digests'),
  authors: z.array(digestSchema).max(PROTOCOL_LIMITS.reconcileDigestsPerPage),
  more: z.boolean(),
});

const listEntrySchema = z.tuple([authorSchema, kind, key, z.number().int().positive()]);
export type ListEntry = z.infer<typeof listEntrySchema>;

const listSchema = z.object({
  type: z.literal('list'),
  entries: z.array(listEntrySchema).max(PROTOCOL_LIMITS.reconcileEntriesPerPage),
  more: z.boolean(),
});

/** Records stay unparsed here: each is validated by itself, a bad one costs itself. */
const recordsSchema = z.object({
  type: z.literal('records'),
  records: z.array(z.unknown()).max(PROTOCOL_LIMITS.reconcileRecordsPerAsk),
});

const busySchema = z.object({ type: z.literal('busy'), retry_after_ms: count.max(600_000) });

const notedSchema = z.object({ type: z.literal('noted') });

const askSchema = z.union([newsSchema, askDigestsSchema, askListSchema, askRecordsSchema]);
export type ReconcileAsk = z.infer<typeof askSchema>;
const answerSchema = z.union([digestsSchema, listSchema, recordsSchema, busySchema, notedSchema]);
export type ReconcileAnswer = z.infer<typeof answerSchema>;

/** Throws ProtocolError `malformed`. */
export function parseReconcileAsk(value: unknown): ReconcileAsk {
  return parseAs(askSchema, value, 'a reconcile question');
}

/** Throws ProtocolError `malformed`. */
export function parseReconcileAnswer(value: unknown): ReconcileAnswer {
  return parseAs(answerSchema, value, 'a reconcile answer');
}
