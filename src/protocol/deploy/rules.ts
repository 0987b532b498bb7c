/**
 * `deployment_rules`: models that nodes should have without anybody asking. As YAML it is read by deploy, with line numbers;
 * this is its shape in a record. Spec: docs/spec/18-rules.md §1.
 */
import { z } from 'zod';
import { parseAs, roleSchema } from '../certificate.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
const labels = z.array(label).max(PROTOCOL_LIMITS.capabilitiesPerModel);
const megabytes = z.number().int().nonnegative().max(PROTOCOL_LIMITS.megabytes);

const RULE_TRIGGERS = ['node_join', 'model_published', 'schedule', 'capability_needed'] as const;

export const ruleSchema = z.strictObject({
  name: label,
  trigger: z.enum(RULE_TRIGGERS),
  /** `HH:MM-HH:MM` in the node's time; with `schedule` only. */
  schedule: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, 'a time span is like 22:00-06:00')
    .optional(),
  conditions: z
    .strictObject({
      role: z.union([roleSchema, z.array(roleSchema).max(PROTOCOL_LIMITS.rolesPerRight)]).optional(),
      region: z.union([label, labels]).optional(),
      labels: z.record(label, z.string().max(PROTOCOL_LIMITS.labelChars)).optional(),
      architecture: z.union([label, labels]).optional(),
      min_memory_mb: megabytes.optional(),
      min_vram_mb: megabytes.optional(),
      min_cpu_cores: z.number().int().nonnegative().optional(),
      gpu: z.boolean().optional(),
      /** One of these is among the node's interests. */
      capabilities: labels.optional(),
    })
    .default({}),
  models: z
    .array(
      z.strictObject({
        /** A model id, or `*` for all that fit. */
        name: label,
        /** `latest`, a range, `*` or the very version. */
        version: z.string().min(1).max(PROTOCOL_LIMITS.versionChars).default('latest'),
      }),
    )
    .min(1)
    .max(PROTOCOL_LIMITS.modelsPerRule),
  /** How many of the nodes that match; 0 is all of them. */
  replicas: z.number().int().nonnegative().max(PROTOCOL_LIMITS.replicas).optional(),
  priority: z.number().int().min(1).max(5).default(3),
  load: z.boolean().default(true),
});
export type DeploymentRule = z.infer<typeof ruleSchema>;

const rulesSchema = lenientObject({
  type: z.literal('deployment_rules'),
  rules: z
    .array(ruleSchema)
    .max(PROTOCOL_LIMITS.rules)
    .refine(
      (rules) => timesOfAll(rules) <= PROTOCOL_LIMITS.rulesForAll,
      `* stands in it more than ${PROTOCOL_LIMITS.rulesForAll} times`,
    ),
});
export type DeploymentRules = z.infer<typeof rulesSchema>;

/** How often rules say `*`. */
export function timesOfAll(rules: readonly DeploymentRule[]): number {
  return rules.flatMap(({ models }) => models).filter(({ name }) => name === '*').length;
}

/** Throws ProtocolError `malformed`. */
export function parseDeploymentRules(value: unknown): DeploymentRules {
  return parseAs(rulesSchema, value, 'deployment rules');
}
