/** Staged rollouts: order one, see how far they are, hold, resume and stop them. Spec: docs/spec/19-rollout.md. */
import { z } from 'zod';
import { ROLLOUT_PHASES } from '../protocol/index.ts';
import { route } from './route.ts';

const names = z.array(z.string().min(1).max(200)).max(64).default([]);

/** Whom an order is for; names and short ids of nodes are resolved by the daemon. */
export const orderTargetSchema = z.object({
  nodes: z.array(z.string().min(1).max(200)).max(2000).default([]),
  roles: names,
  regions: names,
  labels: z.record(z.string().min(1).max(200), z.string().max(200)).default({}),
});

const WAVE_STATES = ['to come', 'going on', 'soaking', 'done'] as const;

const waveSchema = z.object({
  /** As it was ordered: `1`, `10%`. */
  size: z.string(),
  state: z.enum(WAVE_STATES),
  nodes: z.number(),
  waiting: z.number(),
  well: z.number(),
  failed: z.number(),
  silent: z.number(),
  back: z.number(),
  stuck: z.number(),
});

const NODE_STATES = ['waiting', 'well', 'failed', 'silent', 'back', 'stuck'] as const;

const nodeSchema = z.object({
  node_id: z.string(),
  name: z.string(),
  /** From 1. */
  wave: z.number(),
  state: z.enum(NODE_STATES),
  /** The new version did not do there; it may be back meanwhile. */
  failed: z.boolean(),
  error: z.string().nullable(),
});

export const rolloutSchema = z.object({
  rollout_id: z.string(),
  model_id: z.string(),
  version: z.string(),
  /** Where it goes back to; null: the model goes. */
  previous_version: z.string().nullable(),
  phase: z.enum(ROLLOUT_PHASES),
  over: z.boolean(),
  why: z.string().nullable(),
  /** Why it may not go on, where it may not. */
  held_by: z.string().nullable(),
  ordered_by: z.string(),
  ordered_by_name: z.string(),
  ordered_at: z.string(),
  coordinator: z.string(),
  coordinator_name: z.string(),
  term: z.number(),
  waves: z.array(waveSchema),
  /** Nodes that it is for, as far as they are known, and those that were given the version. */
  fleet: z.number(),
  given: z.number(),
  failures: z.number(),
  max_failures: z.number(),
  soak_ms: z.number(),
  soak_left_ms: z.number().nullable(),
  node_timeout_ms: z.number(),
  nodes: z.array(nodeSchema),
});
export type RolloutRow = z.infer<typeof rolloutSchema>;

const duration = z
  .number()
  .int()
  .nonnegative()
  .max(30 * 86_400_000);
const id = z.string().min(1).max(100);

export const ROLLOUT_ROUTES = {
  rolloutOrder: route('POST', '/api/v1/rollouts', {
    access: 'owner',
    summary: 'Give a version to a fleet in waves; back to the version before where too many fail',
    body: z.object({
      id: z.string().min(1).max(300),
      range: z.string().max(100).optional(),
      target: orderTargetSchema.prefault({}),
      waves: z.array(z.string().min(1).max(10)).min(1).max(32),
      max_failures: z.number().min(0).max(1),
      soak_ms: duration,
      node_timeout_ms: duration.min(1000),
      probe: z.boolean().default(true),
      priority: z.number().int().min(1).max(5).default(3),
    }),
    answer: rolloutSchema,
  }),
  rollouts: route('GET', '/api/v1/rollouts', {
    access: 'owner',
    summary: 'Staged rollouts, newest first',
    answer: z.object({ rollouts: z.array(rolloutSchema.omit({ nodes: true })) }),
  }),
  rollout: route('GET', '/api/v1/rollouts/show', {
    access: 'owner',
    summary: 'One rollout, with every node that it reached; ids may be short',
    query: z.object({ id }),
    answer: rolloutSchema,
  }),
  rolloutEvents: route('GET', '/api/v1/rollouts/events', {
    access: 'owner',
    summary: 'One rollout, a line at each change, until it is over',
    query: z.object({ id }),
    answer: rolloutSchema,
    streams: true,
  }),
  rolloutChange: route('POST', '/api/v1/rollouts/change', {
    access: 'owner',
    summary: 'Pause, resume, abort (everybody goes back) or leave (abort, and everybody stays as they are)',
    body: z.object({ id, change: z.enum(['pause', 'resume', 'abort', 'leave']) }),
    answer: rolloutSchema,
  }),
} as const;
