/**
 * The gossip strategy in its public shapes: who has something new, who wants something, who can give it.
 * Spec: docs/spec/17-deployment.md §7. Times are in **seconds** here, as the public messages have them.
 */
import { z } from 'zod';
import { modelIdSchema, sha256Schema } from '../catalog.ts';
import { parseAs } from '../certificate.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
const labels = z.array(label).max(PROTOCOL_LIMITS.capabilitiesPerModel);
const version = z.string().min(1).max(PROTOCOL_LIMITS.versionChars);
const sizeBytes = z.number().int().nonnegative().max(PROTOCOL_LIMITS.modelBytes);

/** Some implementations say `from` and `to`. */
function named<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    const { from, to, ...rest } = value as Record<string, unknown>;
    return {
      ...(from === undefined ? {} : { from_node: from }),
      ...(to === undefined ? {} : { to_node: to }),
      ...rest,
    };
  }, schema);
}

const availableSchema = named(
  lenientObject({
    type: z.literal('model_available'),
    from_node: label,
    model: lenientObject({
      name: modelIdSchema,
      version,
      type: label,
      size_bytes: sizeBytes,
      checksum: sha256Schema,
      capabilities: labels.default([]),
    }),
    timestamp: z.number().nonnegative(),
    /** Hops. */
    ttl: z.number().int().min(0).max(PROTOCOL_LIMITS.exchangeHops).default(5),
  }),
);
export type ModelAvailable = z.infer<typeof availableSchema>;

const requestSchema = named(
  lenientObject({
    type: z.literal('model_request'),
    from_node: label,
    criteria: lenientObject({
      name: modelIdSchema.optional(),
      version: version.optional(),
      capabilities: labels.default([]),
      max_size_bytes: sizeBytes.optional(),
    }),
    urgency: label.default('normal'),
  }),
);
export type ModelWanted = z.infer<typeof requestSchema>;

const offerSchema = named(
  lenientObject({
    type: z.literal('model_offer'),
    from_node: label,
    to_node: label,
    /** Key of the request's record; ours say it, others may not. */
    request: label.optional(),
    model: lenientObject({ name: modelIdSchema, version, checksum: sha256Schema.optional() }),
    transfer_options: lenientObject({
      direct_tcp: z.string().max(PROTOCOL_LIMITS.labelChars).optional(),
      relay: z.string().max(PROTOCOL_LIMITS.labelChars).optional(),
    }).prefault({}),
  }),
);
export type ModelOffer = z.infer<typeof offerSchema>;

export type ExchangeMessage = ModelAvailable | ModelWanted | ModelOffer;

/** Throws ProtocolError `malformed`. */
export function parseExchangeMessage(value: unknown): ExchangeMessage {
  return parseAs(
    z.union([availableSchema, requestSchema, offerSchema]) as z.ZodType<ExchangeMessage>,
    value,
    'a model exchange message',
  );
}
