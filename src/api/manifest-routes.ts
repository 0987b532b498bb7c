/** A model's manifest: shown, described by its owner, published and taken back. Spec: docs/spec/16-manifests.md. */
import { z } from 'zod';
import { route } from './route.ts';

const modelQuery = z.object({ id: z.string().min(1).max(300), range: z.string().max(100).optional() });

export const manifestAnswerSchema = z.object({
  contract: z.number(),
  model_id: z.string(),
  version: z.string(),
  sha256: z.string(),
  /** In the fields of docs/spec/16-manifests.md §1, short. */
  manifest: z.record(z.string(), z.unknown()),
  /** Who signed it; null while nobody has, or nobody who may. */
  signer: z.object({ node_id: z.string(), name: z.string() }).nullable(),
  withdrawn: z.boolean(),
  /** Is the model on this machine? */
  local: z.boolean(),
  /** May this node sign it? */
  may_write: z.boolean(),
  /** Fields that this machine's owner gave. */
  own_words: z.array(z.string()),
  estimated_vram_mb: z.number(),
  file_name: z.string(),
  /** What it was made from, nearest first. */
  lineage: z.array(z.object({ ref: z.string(), known: z.boolean() })),
  lineage_problem: z.string().optional(),
});
export type ManifestAnswer = z.infer<typeof manifestAnswerSchema>;

export const MANIFEST_ROUTES = {
  modelManifest: route('GET', '/api/v1/models/manifest', {
    access: 'owner',
    summary: 'The manifest of a model, of this machine or of the mesh',
    query: modelQuery,
    answer: manifestAnswerSchema,
  }),
  /** What a partial manifest leaves out stays as it was found. */
  modelDescribe: route('POST', '/api/v1/models/manifest', {
    access: 'owner',
    summary: 'Describe a model of this machine by a manifest in any vocabulary; published where this node may',
    body: modelQuery.extend({ manifest: z.record(z.string(), z.unknown()), partial: z.boolean().default(false) }),
    answer: manifestAnswerSchema,
  }),
  modelPublish: route('POST', '/api/v1/models/manifest/publish', {
    access: 'owner',
    summary: 'Sign a manifest and tell the mesh, or take it back',
    body: modelQuery.extend({ withdrawn: z.boolean().default(false) }),
    answer: manifestAnswerSchema,
  }),
} as const;
