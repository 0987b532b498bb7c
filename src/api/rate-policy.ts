/** Shapes of the rate policy. Rates and schedules are as people write them. Spec: docs/spec/10-transfer.md §11. */
import { z } from 'zod';
import { TRANSFER_PRIORITIES, transferSchema } from './models.ts';

export const RATE_PROFILES = ['lan', 'metered', 'custom'] as const;

const rate = z.string().min(1).max(40);
const entries = z.array(z.string().min(1).max(100)).max(64);

/** What is asked for; what is absent stays as it is. */
export const limitsChangeSchema = z.object({
  profile: z.enum(RATE_PROFILES).optional(),
  download: rate.optional(),
  upload: rate.optional(),
  /** Of each peer by itself. */
  per_peer: rate.optional(),
  /** Name or id of the only peer that `download` and `upload` are meant for. */
  peer: z.string().min(1).max(200).optional(),
  /** All entries there are from now on. */
  schedule: entries.optional(),
  /** Every transfer gives way when the link's delay grows. */
  yields: z.boolean().optional(),
  /** Begin with no limits at all; with `peer`, with none of that peer. */
  clear: z.boolean().default(false),
});

export const limitsSchema = z.object({
  profile: z.enum(RATE_PROFILES),
  download: z.string(),
  upload: z.string(),
  per_peer: z.string(),
  peers: z.array(z.object({ node_id: z.string(), name: z.string(), download: z.string(), upload: z.string() })),
  schedule: z.array(z.string()),
  yields: z.boolean(),
  /** What holds now, by the schedule. */
  now: z.object({ download: z.string(), upload: z.string(), by_size: z.boolean(), until: z.string().nullable() }),
});
export type Limits = z.infer<typeof limitsSchema>;

export const transferWishSchema = z.object({
  request_id: z.string().min(1).max(100),
  priority: z.enum(TRANSFER_PRIORITIES).optional(),
  download: rate.optional(),
  upload: rate.optional(),
  /** Without limits of its own. */
  clear: z.boolean().default(false),
});

/** One transfer, or without an id all that have not ended. */
export const whichTransfersSchema = z.object({ request_id: z.string().min(1).max(100).optional() });
export const transfersAnswerSchema = z.object({ transfers: z.array(transferSchema) });
