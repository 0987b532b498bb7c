/** Certificates and revocations: the two words of a mesh's authority. Spec: docs/spec/03-trust.md §3, §4. */
import { z } from 'zod';
import { isMeshId, isNodeId, type MeshId, type NodeId } from '../core/index.ts';
import { signatureSchema } from './canonical.ts';
import { ProtocolError } from './errors.ts';
import { reasonOf } from './lenient.ts';

const ROLE = /^[a-z][a-z0-9_-]{0,31}$/;

export const meshIdSchema = z
  .string()
  .refine(isMeshId, 'not a mesh id')
  .transform((text) => text as MeshId);

export const nodeIdSchema = z
  .string()
  .refine(isNodeId, 'not a node id')
  .transform((text) => text as NodeId);

export const roleSchema = z.string().regex(ROLE, 'not a role: lower-case letters, digits, - and _');

const name = z.string().min(1).max(64);
const timeMs = z.number().int().positive();

export const certificateSchema = z.object({
  type: z.literal('node_certificate'),
  mesh_id: meshIdSchema,
  node_id: nodeIdSchema,
  role: roleSchema,
  name,
  /** Grows with every certificate of the authority; the larger one of a node counts. */
  serial: z.number().int().positive(),
  /** Milliseconds since 1970. */
  issued_at: timeMs,
  expires_at: timeMs,
  signature: signatureSchema,
});
export type NodeCertificate = z.infer<typeof certificateSchema>;

export const revocationSchema = z.object({
  type: z.literal('node_revocation'),
  mesh_id: meshIdSchema,
  node_id: nodeIdSchema,
  revoked_at: timeMs,
  reason: z.string().max(200),
  signature: signatureSchema,
});
export type NodeRevocation = z.infer<typeof revocationSchema>;

export function isRole(text: string): boolean {
  return ROLE.test(text);
}

/** Shape only; trust's `checkCertificate` says whether it holds. Throws ProtocolError `malformed`. */
export function parseCertificate(value: unknown): NodeCertificate {
  return parseAs(certificateSchema, value, 'a node certificate');
}

/** Shape only. Throws ProtocolError `malformed`. */
export function parseRevocation(value: unknown): NodeRevocation {
  return parseAs(revocationSchema, value, 'a revocation');
}

/** Parses by a schema, or throws ProtocolError `malformed` that names the message and the first bad field. */
export function parseAs<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError('malformed', `Reading ${what}: ${reasonOf(parsed.error)}`, { cause: parsed.error });
}
