/** `model_access`: which roles may read, write and deploy which models. Spec: docs/spec/20-access.md §1. */
import { z } from 'zod';
import { parseAs, roleSchema } from '../certificate.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';

/** `*` is every role. */
const roles = z.array(z.union([z.literal('*'), roleSchema])).max(PROTOCOL_LIMITS.rolesPerRight);

const accessEntrySchema = lenientObject({
  /** May fetch its bytes. */
  read: roles.optional(),
  /** May sign its manifest. */
  write: roles.optional(),
  /** May order where it should be. */
  deploy: roles.optional(),
  /** May sign a model whose format runs code when it is loaded. */
  ship_code: roles.optional(),
});
export type AccessEntry = z.infer<typeof accessEntrySchema>;

const modelAccessSchema = lenientObject({
  type: z.literal('model_access'),
  /** By model id, or `*` for those that have no entry of their own. A right that an entry leaves out is that of `*`. */
  models: z
    .record(z.string().min(1).max(PROTOCOL_LIMITS.modelIdChars), accessEntrySchema)
    .refine((models) => Object.keys(models).length <= PROTOCOL_LIMITS.accessEntries, 'too many models'),
});
export type ModelAccess = z.infer<typeof modelAccessSchema>;

/** Throws ProtocolError `malformed`. */
export function parseModelAccess(value: unknown): ModelAccess {
  return parseAs(modelAccessSchema, value, 'a model_access');
}
