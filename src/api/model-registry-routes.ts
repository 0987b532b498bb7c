/** What a model's files would run, versions nobody should begin with, and what LlamaFarm has trained. Spec: docs/spec/09-registry.md §9. */
import { z } from 'zod';
import { workEventSchema } from './models.ts';
import { route } from './route.ts';

const inspectedFileSchema = z.object({
  path: z.string(),
  size_bytes: z.number(),
  /** By content. */
  kind: z.string(),
  safe: z.boolean(),
  reasons: z.array(z.object({ code: z.string(), message: z.string() })),
  tensors: z.number().nullable(),
  pickles: z.number(),
  imports: z.array(
    z.object({
      module: z.string(),
      name: z.string(),
      by: z.enum(['GLOBAL', 'STACK_GLOBAL', 'INST', 'EXT']),
      called: z.boolean(),
      verdict: z.enum(['dangerous', 'known', 'unknown']),
    }),
  ),
  /** What could not be listed; empty when the imports are all there are. */
  faults: z.array(z.string()),
});

export const inspectionSchema = z.object({
  contract: z.number(),
  model_id: z.string().nullable(),
  version: z.string().nullable(),
  path: z.string(),
  /** From header and name. */
  type: z.string(),
  format: z.string(),
  quantization: z.string().nullable(),
  params_billions: z.number().nullable(),
  capabilities: z.array(z.string()),
  /** All of its files are of formats that run nothing. */
  safe: z.boolean(),
  /** Would this node load it, as things are now? */
  loadable: z.boolean(),
  refusals: z.array(z.object({ code: z.string(), message: z.string() })),
  files: z.array(inspectedFileSchema),
});
export type ModelInspection = z.infer<typeof inspectionSchema>;

const deprecationSchema = z.object({
  model_id: z.string(),
  version: z.string(),
  deprecated: z.boolean(),
  reason: z.string(),
  /** Some node that is known has that version. */
  known: z.boolean(),
});

export const MODEL_REGISTRY_ROUTES = {
  modelInspect: route('GET', '/api/v1/models/inspect', {
    access: 'owner',
    summary: 'What loading a file or model would run: its files by content, the imports of its pickles',
    query: z
      .object({
        id: z.string().min(1).max(300).optional(),
        range: z.string().max(100).optional(),
        path: z.string().min(1).max(4096).optional(),
      })
      .refine(({ id, path }) => (id === undefined) !== (path === undefined), 'wanted either id or path'),
    answer: inspectionSchema,
  }),
  modelDeprecate: route('POST', '/api/v1/models/deprecate', {
    access: 'owner',
    summary: 'Tell the mesh that nobody should begin with a version any more, or take it back',
    body: z.object({
      id: z.string().min(1).max(300),
      version: z.string().min(1).max(100),
      deprecated: z.boolean().default(true),
      reason: z.string().max(500).default(''),
    }),
    answer: deprecationSchema,
  }),
  modelImportTrained: route('POST', '/api/v1/models/import/llamafarm', {
    access: 'owner',
    summary: 'Take all that LlamaFarm has trained; an event a line',
    body: z.object({
      dir: z.string().min(1).max(4096).optional(),
      /** A folder's name, or the type that it stands for. */
      type: z.string().min(1).max(50).optional(),
    }),
    answer: workEventSchema,
    streams: true,
  }),
} as const;
