/** `model_status`: how the models of a node are, page by page. Spec: docs/spec/17-deployment.md §6. */
import { z } from 'zod';
import { modelIdSchema, sha256Schema } from '../catalog.ts';
import { parseAs } from '../certificate.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';

export const MODEL_STATUSES = ['Available', 'Downloading', 'Ready', 'Loaded', 'Failed'] as const;
export type ModelStatusWord = (typeof MODEL_STATUSES)[number];

const text = z.string().max(PROTOCOL_LIMITS.pathChars);

export const statusEntrySchema = lenientObject({
  model_id: modelIdSchema,
  version: z.string().min(1).max(PROTOCOL_LIMITS.versionChars),
  sha256: sha256Schema,
  status: z.enum(MODEL_STATUSES),
  /** 0–1. */
  download_progress: z
    .number()
    .default(0)
    .transform((share) => Math.min(1, Math.max(0, share))),
  /** RFC 3339. */
  verified_at: text.optional(),
  loaded_at: text.optional(),
  error: text.optional(),
  /** A code for programs: `not_fit`, `no_space`, `not_permitted`, `probe_failed`, `rolled_back`, `rollback_failed`, … */
  error_code: z.string().max(PROTOCOL_LIMITS.labelChars).optional(),
  /** Why it is here: `command:<id>`, `rule:<name>`, `rollout:<id>`, `organic`, `pin`. */
  because: z.string().max(PROTOCOL_LIMITS.labelChars).optional(),
  previous_version: z.string().max(PROTOCOL_LIMITS.versionChars).optional(),
  /** How long the transfer took. */
  transfer_ms: z.number().nonnegative().optional(),
  updated_at: text,
});
export type ModelStatusEntry = z.infer<typeof statusEntrySchema>;

/** It is there, was checked, and is what `current` names. */
export function isInForce({ status }: Pick<ModelStatusEntry, 'status'>): boolean {
  return status === 'Ready' || status === 'Loaded';
}

const statusPageSchema = lenientObject({
  type: z.literal('model_status'),
  page: z.number().int().nonnegative().lt(PROTOCOL_LIMITS.statusPages),
  /** How many pages there are now; pages from this number on are void. */
  pages: z.number().int().nonnegative().max(PROTOCOL_LIMITS.statusPages),
  models: z.array(statusEntrySchema).max(PROTOCOL_LIMITS.statusesPerPage),
});
export type ModelStatusPage = z.infer<typeof statusPageSchema>;

/** Throws ProtocolError `malformed`. */
export function parseModelStatusPage(value: unknown): ModelStatusPage {
  return parseAs(statusPageSchema, value, 'a model_status');
}
