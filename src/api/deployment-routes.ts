/** Orders of deployment, how the fleet is, and what the owner pinned. Spec: docs/spec/17-deployment.md §3, §6. */
import { z } from 'zod';
import { MODEL_STATUSES } from '../protocol/index.ts';
import { orderTargetSchema } from './rollout-routes.ts';
import { route } from './route.ts';

/** A model on a node: the status JSON of other implementations, and where and why. */
export const deploymentRowSchema = z.object({
  node_id: z.string(),
  node_name: z.string(),
  /** Heard of lately; else it is what the node said last. */
  online: z.boolean(),
  this_node: z.boolean(),
  model_id: z.string(),
  version: z.string(),
  sha256: z.string(),
  status: z.enum(MODEL_STATUSES),
  download_progress: z.number(),
  /** On this node alone. */
  local_path: z.string().nullable(),
  verified_at: z.string().nullable(),
  loaded_at: z.string().nullable(),
  error: z.string().nullable(),
  error_code: z.string().nullable(),
  because: z.string().nullable(),
  previous_version: z.string().nullable(),
  transfer_ms: z.number().nullable(),
  updated_at: z.string(),
});
export type DeploymentRow = z.infer<typeof deploymentRowSchema>;

export const deploymentMetricsSchema = z.object({
  total_models: z.number(),
  total_deployments: z.number(),
  pending_transfers: z.number(),
  failed_transfers_24h: z.number(),
  avg_transfer_time_ms: z.number(),
  rollback_failed: z.number(),
  by_model: z.record(
    z.string(),
    z.object({ nodes: z.number(), version_distribution: z.record(z.string(), z.number()) }),
  ),
});

const orderedNodeSchema = z.object({ node_id: z.string(), node_name: z.string(), online: z.boolean() });

/** A line of `model push --json` and `model undeploy --json`. The last has `event` `completed` or `failed`. */
export const orderEventSchema = z.object({
  event: z.enum(['ordered', 'status', 'completed', 'failed']),
  command_id: z.string(),
  action: z.enum(['deploy', 'remove']),
  model_id: z.string(),
  version: z.string(),
  /** With `ordered`: whom it is for, as far as they are known. */
  nodes: z.array(orderedNodeSchema).optional(),
  /** With `status`: what one of them says now; absent when the model is gone from it. */
  node: orderedNodeSchema.optional(),
  status: deploymentRowSchema.optional(),
  /** With the last: nodes that are well, that failed, and that have not answered. */
  done: z.number().optional(),
  failures: z.number().optional(),
  waiting: z.number().optional(),
  error: z.string().optional(),
  code: z.string().optional(),
  kind: z.string().optional(),
});
export type OrderEvent = z.infer<typeof orderEventSchema>;

const id = z.string().min(1).max(300);
const range = z.string().max(100).optional();

export const DEPLOYMENT_ROUTES = {
  modelPush: route('POST', '/api/v1/deployments', {
    access: 'owner',
    summary: 'Order a model onto nodes; an event a line until all that are online have answered',
    body: z.object({
      ...{ id, range },
      target: orderTargetSchema.prefault({}),
      priority: z.number().int().min(1).max(5).optional(),
      load: z.boolean().default(true),
      replicas: z.number().int().min(0).max(100_000).optional(),
      /** For those that are away too. */
      wait: z.boolean().default(false),
    }),
    answer: orderEventSchema,
    streams: true,
  }),
  modelUndeploy: route('POST', '/api/v1/deployments/remove', {
    access: 'owner',
    summary: 'Order a model away from nodes, whichever version they have; an event a line',
    body: z.object({ id, target: orderTargetSchema.prefault({}), wait: z.boolean().default(false) }),
    answer: orderEventSchema,
    streams: true,
  }),
  deployments: route('GET', '/api/v1/deployments', {
    access: 'owner',
    summary: 'How models are on all nodes, as each of them tells',
    query: z.object({ id: id.optional() }),
    answer: z.object({ deployments: z.array(deploymentRowSchema), deployment_metrics: deploymentMetricsSchema }),
  }),
  deploymentMetrics: route('GET', '/api/v1/deployments/metrics', {
    access: 'owner',
    summary: 'Totals of all deployments, and how versions are spread',
    answer: z.object({ deployment_metrics: deploymentMetricsSchema }),
  }),
  modelPin: route('POST', '/api/v1/models/pin', {
    access: 'owner',
    summary: 'Hold a version on this node, whatever others order',
    body: z.object({ id, range }),
    answer: z.object({ model_id: z.string(), version: z.string(), sha256: z.string(), pinned: z.boolean() }),
  }),
  modelUnpin: route('POST', '/api/v1/models/unpin', {
    access: 'owner',
    summary: 'Let orders, rules and roles decide again',
    body: z.object({ id }),
    answer: z.object({ model_id: z.string(), was_pinned: z.boolean() }),
  }),
} as const;
