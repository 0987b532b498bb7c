/** A model's signature as a bundle that other tools read. Spec: docs/spec/20-access.md §8. */
import { z } from 'zod';
import { route } from './route.ts';

const model = { id: z.string().min(1).max(300), range: z.string().max(100).optional() };

export const BUNDLE_ROUTES = {
  bundleMake: route('POST', '/api/v1/models/bundle', {
    access: 'owner',
    summary: 'Sign a model that is here with this node’s key, as an OpenSSF model signing bundle',
    body: z.object(model),
    answer: z.object({
      model_id: z.string(),
      version: z.string(),
      files: z.number(),
      signer: z.string(),
      /** The public key as PEM, for who checks it elsewhere. */
      public_key: z.string(),
      bundle: z.string(),
    }),
  }),
  bundleVerify: route('POST', '/api/v1/models/bundle/verify', {
    access: 'owner',
    summary: 'Check a bundle’s signature, and that a model that is here has the files that it names and no other',
    body: z.object({
      ...model,
      /** Absolute paths on this machine. */
      bundle: z.string().min(1).max(4096),
      key: z.string().min(1).max(4096).optional(),
    }),
    answer: z.object({
      ok: z.boolean(),
      model_id: z.string(),
      version: z.string(),
      /** As the bundle calls it. */
      signed_name: z.string(),
      /** Null for a key that was given and is no member’s. */
      signer: z.object({ node_id: z.string(), name: z.string(), role: z.string(), may_write: z.boolean() }).nullable(),
      files: z.number(),
      differences: z.array(z.object({ path: z.string(), what: z.enum(['missing', 'not_signed', 'changed']) })),
    }),
  }),
} as const;
