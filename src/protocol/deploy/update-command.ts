/**
 * `model_update`: what should be where, said by somebody who may. Field names as in the public update command; `manifest` is
 * the one of docs/spec/16-manifests.md §1. Spec: docs/spec/17-deployment.md §3.
 */
import { z } from 'zod';
import { nodeIdSchema, parseAs, roleSchema } from '../certificate.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { boundedManifestSchema } from './manifest.ts';

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
const labels = z.array(label).max(PROTOCOL_LIMITS.capabilitiesPerModel);

/** Whom a command, a rule or a rollout is for. All that is given must hold; nothing given is every node that can. */
export const targetSchema = lenientObject({
  node_ids: z.array(nodeIdSchema).max(PROTOCOL_LIMITS.targetNodes).default([]),
  roles: z.array(roleSchema).max(PROTOCOL_LIMITS.capabilitiesPerModel).default([]),
  regions: labels.default([]),
  labels: z
    .record(z.string().min(1).max(PROTOCOL_LIMITS.labelChars), z.string().max(PROTOCOL_LIMITS.labelChars))
    .default({}),
});
export type Target = z.infer<typeof targetSchema>;

const updateCommandSchema = lenientObject({
  type: z.literal('model_update'),
  command_id: z.uuid(),
  /** `remove` takes the model away where it is. */
  action: z.enum(['deploy', 'remove']).default('deploy'),
  manifest: boundedManifestSchema,
  target_nodes: z.array(nodeIdSchema).max(PROTOCOL_LIMITS.targetNodes).default([]),
  target: targetSchema.prefault({}),
  /** 1 is first. What is out of bounds is clamped. */
  priority: z
    .number()
    .default(3)
    .transform((priority) => Math.min(5, Math.max(1, Math.round(priority)))),
  auto_load: z.boolean().default(true),
  /** Instead of the manifest's; 0 is every node that can. */
  replicas: z.number().int().nonnegative().max(PROTOCOL_LIMITS.replicas).optional(),
  rollback_model_id: label.optional(),
  /** RFC 3339. */
  timestamp: z.string().max(PROTOCOL_LIMITS.labelChars),
});
export type UpdateCommand = z.infer<typeof updateCommandSchema>;

/** Throws ProtocolError `malformed`. */
export function parseUpdateCommand(value: unknown): UpdateCommand {
  return parseAs(updateCommandSchema, value, 'an update command');
}
