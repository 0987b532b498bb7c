/** The routes that peers and other tools read. Spec: docs/spec/05-http.md §2. */
import { z } from 'zod';
import { differenceAnswerSchema, modelEntrySchema, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { modelFileSchema } from './models.ts';

export const healthSchema = z.object({
  status: z.literal('ok'),
  models_available: z.number(),
  http_port: z.number(),
});

/** What OpenAI-compatible clients list. */
export const modelCardSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.number(),
  owned_by: z.string(),
});
export type ModelCard = z.infer<typeof modelCardSchema>;

export const servedModelListSchema = z.object({
  object: z.literal('list'),
  data: z.array(modelCardSchema),
  models: z.array(modelEntrySchema),
});

export const servedModelSchema = z.intersection(
  modelEntrySchema,
  modelCardSchema.extend({ files: z.array(modelFileSchema) }),
);

export interface BridgeRoute {
  readonly path: string;
  readonly head: boolean;
  readonly summary: string;
  readonly query?: z.ZodType;
  /** A schema for JSON, else the media type of what comes. */
  readonly answer: z.ZodType | string;
  /** Answers ranges and preconditions of RFC 9110. */
  readonly ranged?: boolean;
}

const versionQuery = z.object({ version: z.string().min(1).max(100).optional() });

/** Of the pieces that the asker goes by: where they are other ones, nothing is here for it. */
const rootQuery = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .optional();

/** Digests with commas between. */
const basesQuery = z
  .string()
  .regex(new RegExp(`^[0-9a-f]{64}(,[0-9a-f]{64}){0,${PROTOCOL_LIMITS.differenceBases - 1}}$`));

/** `:name` for one segment, `*` for the rest. All are GET. */
export const BRIDGE_ROUTES = {
  health: { path: '/health', head: true, summary: 'Is the daemon up, and how much can it serve', answer: healthSchema },
  models: { path: '/v1/models', head: true, summary: 'Models that this node serves', answer: servedModelListSchema },
  model: {
    path: '/v1/models/*',
    head: true,
    summary: 'One model and its files',
    query: versionQuery,
    answer: servedModelSchema,
  },
  download: {
    path: '/v1/models/download/*',
    head: true,
    summary: 'The bytes of a model’s file',
    query: versionQuery.extend({ file: z.string().min(1).max(1024).optional() }),
    answer: 'application/octet-stream',
    ranged: true,
  },
  blob: {
    path: '/v1/blobs/:sha256',
    head: true,
    summary: 'The bytes of a blob, by its SHA-256',
    answer: 'application/octet-stream',
    ranged: true,
  },
  pieces: {
    path: '/v1/blobs/:sha256/pieces',
    head: true,
    summary: 'The BLAKE3 of each piece of a blob, 32 bytes each',
    query: z.object({ root: rootQuery }),
    answer: 'application/octet-stream',
  },
  have: {
    path: '/v1/blobs/:sha256/have',
    head: false,
    summary: 'Which pieces of a blob are held, and with follow=1 what changes',
    query: z.object({ follow: z.enum(['0', '1']).optional(), root: rootQuery }),
    answer: 'application/octet-stream',
  },
  difference: {
    path: '/v1/blobs/:sha256/difference',
    head: false,
    summary: 'What makes the blob of another one that the asker has: 202 while it is being made',
    query: z.object({ base: basesQuery, made: z.enum(['0', '1']).optional() }),
    answer: differenceAnswerSchema,
  },
  metrics: { path: '/metrics', head: false, summary: 'Numbers for Prometheus', answer: 'text/plain' },
} as const satisfies Readonly<Record<string, BridgeRoute>>;
