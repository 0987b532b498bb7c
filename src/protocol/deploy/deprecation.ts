/** `model_deprecated`: a version that nobody should begin with any more. Spec: docs/spec/09-registry.md §9. */
import { z } from 'zod';
import { modelIdSchema } from '../catalog.ts';
import { parseAs } from '../certificate.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';

const deprecationSchema = lenientObject({
  type: z.literal('model_deprecated'),
  model_id: modelIdSchema,
  version: z.string().min(1).max(PROTOCOL_LIMITS.versionChars),
  /** False takes it back. */
  deprecated: z.boolean().default(true),
  reason: z.string().max(PROTOCOL_LIMITS.pathChars).default(''),
});
export type ModelDeprecation = z.infer<typeof deprecationSchema>;

/** Throws ProtocolError `malformed`. */
export function parseModelDeprecation(value: unknown): ModelDeprecation {
  return parseAs(deprecationSchema, value, 'a model_deprecated');
}
