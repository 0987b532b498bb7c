/** Deployment rules: checked, given to the mesh, shown, and explained node by node. Spec: docs/spec/18-rules.md §4–§6. */
import { z } from 'zod';
import { route } from './route.ts';

const text = z.string().max(128 * 1024);

const complaintSchema = z.object({
  line: z.number(),
  column: z.number(),
  severity: z.enum(['error', 'warning']),
  /** `rules.0.conditions.role`; empty for the whole. */
  path: z.string(),
  message: z.string(),
});
export type RuleComplaintRow = z.infer<typeof complaintSchema>;

const checkedSchema = z.object({
  valid: z.boolean(),
  /** How many there are; 0 where there is an error. */
  rules: z.number(),
  complaints: z.array(complaintSchema),
});

const ruleSetSchema = z.object({
  name: z.string(),
  /** `own`: the file of this node's owner. */
  source: z.enum(['own', 'mesh']),
  author: z.string().nullable(),
  author_name: z.string().nullable(),
  ordered_at: z.string(),
  /** False: a later set of that name replaces it. */
  in_force: z.boolean(),
  rules: z.array(z.record(z.string(), z.unknown())),
});
export type RuleSetRow = z.infer<typeof ruleSetSchema>;

const shownSchema = z.object({
  sets: z.array(ruleSetSchema),
  own_file: z.object({ path: z.string(), there: z.boolean(), complaints: z.array(complaintSchema) }),
});

const becauseSchema = z.object({
  kind: z.enum(['pin', 'command', 'rollout', 'rule', 'organic', 'request']),
  id: z.string(),
  author: z.string().nullable(),
  author_name: z.string().nullable(),
  ordered_at: z.string(),
});

const explainedModelSchema = z.object({
  model_id: z.string(),
  /** `have`, `lose`, `refused` (it was told to, and does not), `as_is`: nobody orders anything. */
  outcome: z.enum(['have', 'lose', 'refused', 'as_is']),
  version: z.string().nullable(),
  priority: z.number().nullable(),
  refused: z.array(z.object({ code: z.string(), message: z.string() })),
  standings: z.array(
    z.object({
      because: becauseSchema,
      version: z.string().nullable(),
      presence: z.enum(['present', 'absent']),
      standing: z.enum(['wins', 'loses', 'refused', 'passes']),
      why: z.string(),
    }),
  ),
});
export type ExplainedModel = z.infer<typeof explainedModelSchema>;

const explainedSchema = z.object({
  node_id: z.string(),
  node_name: z.string(),
  role: z.string(),
  models: z.array(explainedModelSchema),
  /** Rules that are not for this node. */
  passed: z.array(z.object({ because: becauseSchema, why: z.string() })),
});
export type ExplainedNode = z.infer<typeof explainedSchema>;

export const RULES_ROUTES = {
  rulesCheck: route('POST', '/api/v1/rules/check', {
    access: 'owner',
    summary: 'Read a text of rules and say what is wrong with it, and where',
    body: z.object({ text }),
    answer: checkedSchema,
  }),
  rulesApply: route('POST', '/api/v1/rules/apply', {
    access: 'owner',
    summary: 'Give the mesh these rules, signed by this node, in the place of those before',
    body: z.object({ text }),
    answer: checkedSchema.extend({ replaced: z.number() }),
  }),
  rulesShow: route('GET', '/api/v1/rules', {
    access: 'owner',
    summary: 'The rules that hold here',
    answer: shownSchema,
  }),
  rulesExplain: route('GET', '/api/v1/rules/explain', {
    access: 'owner',
    summary: 'Why a node will have what, with everything that lost',
    query: z.object({ node: z.string().min(1).max(200).optional(), model: z.string().min(1).max(200).optional() }),
    answer: explainedSchema,
  }),
} as const;
