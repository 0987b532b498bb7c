/** Shapes of models and transfers in answers; a contract of its own, versioned by `CONTRACT_VERSION`. */
import { z } from 'zod';
import { MODEL_FORMATS, MODEL_TYPES } from '../protocol/index.ts';

/** Grows when a field of the JSON contract is removed or changes meaning; new fields do not count. */
export const CONTRACT_VERSION = 1;

/** A row of `model list --json`; what a newcomer's script reads. */
export const modelRowSchema = z.object({
  model_id: z.string(),
  name: z.string(),
  version: z.string(),
  type: z.enum(MODEL_TYPES),
  format: z.enum(MODEL_FORMATS),
  size_bytes: z.number(),
  /** Null until the file has been read once. */
  sha256: z.string().nullable(),
  /** Is it on this machine? */
  local: z.boolean(),
  /** Names of the nodes that have exactly these bytes, this one included. */
  nodes: z.array(z.string()),
  state: z.enum(['found', 'hashing', 'ready', 'damaged', 'missing', 'remote']),
  source: z.string(),
  source_ref: z.string(),
  quantization: z.string().optional(),
  params_billions: z.number().optional(),
  context_length: z.number().optional(),
  capabilities: z.array(z.string()),
  unsafe: z.boolean(),
  public: z.boolean(),
  file_count: z.number(),
});
export type ModelRow = z.infer<typeof modelRowSchema>;

export const modelFileSchema = z.object({
  path: z.string(),
  size_bytes: z.number(),
  sha256: z.string().nullable(),
});

export const modelInfoSchema = modelRowSchema.extend({
  path: z.string().nullable(),
  files: z.array(modelFileSchema),
  metadata: z.record(z.string(), z.unknown()),
  problem: z.string().optional(),
  /** Every version and variant known, newest first. */
  versions: z.array(
    modelRowSchema.extend({
      /** RFC 3339; null for what nobody offers. */
      first_seen: z.string().nullable(),
      deprecated: z.boolean(),
      deprecated_reason: z.string().optional(),
    }),
  ),
  /** The nodes that have it, as far as known. */
  holders: z.array(z.object({ node_id: z.string(), name: z.string(), online: z.boolean(), this_node: z.boolean() })),
});
export type ModelInfo = z.infer<typeof modelInfoSchema>;

export const TRANSFER_STATES = [
  'Pending',
  'Downloading',
  'Verifying',
  'Paused',
  'Completed',
  'Failed',
  'Cancelled',
] as const;

export const TRANSFER_PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

/** By name, or by what it should be able to do; the best that fits is taken then. */
export const pullBodySchema = z
  .object({
    id: z.string().min(1).max(300).optional(),
    range: z.string().max(100).optional(),
    from: z.string().max(200).optional(),
    priority: z.enum(TRANSFER_PRIORITIES).optional(),
    capabilities: z.array(z.string().min(1).max(200)).max(64).optional(),
    max_size_bytes: z.number().int().nonnegative().optional(),
    /** Files as differences to what is here: wherever there are any, or never; by itself where it is sooner. */
    difference: z.enum(['always', 'never']).optional(),
    /** The owner agrees to its sources, from now on. */
    yes: z.boolean().optional(),
    /** How long the mesh is asked for offers when nothing known fits. */
    wait_s: z.number().min(0).max(300).optional(),
  })
  .refine(
    ({ id, capabilities, max_size_bytes }) =>
      id !== undefined || capabilities !== undefined || max_size_bytes !== undefined,
    'wanted an id, capabilities, or a largest size',
  );

export const transferSchema = z.object({
  request_id: z.string(),
  model_id: z.string(),
  version: z.string(),
  state: z.enum(TRANSFER_STATES),
  sha256: z.string(),
  size_bytes: z.number(),
  bytes_downloaded: z.number(),
  progress_percent: z.number(),
  transfer_rate_mbps: z.number(),
  eta_seconds: z.number().nullable(),
  peers: z.array(
    z.object({
      node_id: z.string(),
      name: z.string(),
      bytes: z.number(),
      failures: z.number(),
      dropped: z.string().optional(),
    }),
  ),
  /** What came from mirrors, by server; `reason` is why one failed the last time. */
  mirrors: z
    .array(z.object({ name: z.string(), bytes: z.number(), failures: z.number(), reason: z.string().optional() }))
    .optional(),
  priority: z.enum(TRANSFER_PRIORITIES).optional(),
  /** Rates of this transfer alone, like `5Mbps`; absent where nobody gave one. */
  limits: z.object({ download: z.string().optional(), upload: z.string().optional() }).optional(),
  /** What holds its download back now, be it the node's policy, its size class or its own limit; absent where nothing does. */
  held_to: z.string().optional(),
  /** Nobody who has it can be reached; it goes on by itself, or fails when the time is over. */
  waiting: z.object({ for: z.literal('holder'), left_s: z.number() }).optional(),
  /** What comes, or came, as differences to files that were here: of them `bytes` of `total_bytes` so far, in the place of `instead_of_bytes`. */
  difference: z
    .object({
      state: z.enum(['making', 'fetching', 'applying', 'applied']),
      bytes: z.number(),
      total_bytes: z.number(),
      instead_of_bytes: z.number(),
    })
    .optional(),
  path: z.string().nullable(),
  started_at: z.string(),
  duration_ms: z.number(),
  error: z.object({ code: z.string(), message: z.string(), kind: z.string() }).optional(),
});
export type Transfer = z.infer<typeof transferSchema>;

/** A line of `model pull --json`. The last has `event` `completed` or `failed`. */
export const pullEventSchema = transferSchema.omit({ state: true, started_at: true, peers: true, error: true }).extend({
  event: z.enum(['started', 'progress', 'verifying', 'completed', 'failed']),
  /** True when the bytes were here already and nothing moved. */
  already_here: z.boolean().optional(),
  /** Somebody paused it; it goes on when it is resumed. */
  paused: z.boolean().optional(),
  peers: transferSchema.shape.peers.optional(),
  error: z.string().optional(),
  code: z.string().optional(),
  kind: z.string().optional(),
});
export type PullEvent = z.infer<typeof pullEventSchema>;

/** A line of long local work: hashing, importing, verifying. */
export const workEventSchema = z.object({
  event: z.enum(['progress', 'model', 'problem', 'completed', 'failed']),
  done_bytes: z.number().optional(),
  total_bytes: z.number().optional(),
  path: z.string().optional(),
  model: modelRowSchema.optional(),
  error: z.string().optional(),
  code: z.string().optional(),
  kind: z.string().optional(),
});
export type WorkEvent = z.infer<typeof workEventSchema>;
