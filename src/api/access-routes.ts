/** Who may do what with models, what was done, and whom the owner agreed to take models from. Spec: docs/spec/20-access.md. */
import { z } from 'zod';
import { route } from './route.ts';

const modelOrAll = z.string().min(1).max(200);
const role = z
  .string()
  .regex(/^(\*|[a-z][a-z0-9_-]{0,31})$/, 'a role is lower-case letters, digits, - and _, or * for all');
const roles = z.array(role).max(32);

const rightsSchema = z.object({ read: roles, write: roles, deploy: roles, ship_code: roles });

export const accessSchema = z.object({
  /** Who said what holds, and when; null while the defaults hold. */
  author: z.string().nullable(),
  author_name: z.string().nullable(),
  issued_at: z.string().nullable(),
  expires_at: z.string().nullable(),
  /** Of this node. */
  role: z.string(),
  models: z.array(
    z.object({
      /** `*`: those without an entry of their own. */
      model_id: z.string(),
      /** As they come out, defaults filled in. */
      rights: rightsSchema,
      /** Those that the entry itself says. */
      own: z.array(z.enum(['read', 'write', 'deploy', 'ship_code'])),
    }),
  ),
});
export type AccessAnswer = z.infer<typeof accessSchema>;

export const auditEntrySchema = z.object({
  seq: z.number(),
  at: z.string(),
  event: z.string(),
  facts: z.record(z.string(), z.unknown()),
  previous: z.string(),
  hash: z.string(),
});
export type AuditRow = z.infer<typeof auditEntrySchema>;

const headSchema = z.object({ seq: z.number(), hash: z.string() }).nullable();

export const CONSENT_MODES = ['members', 'ask', 'all'] as const;
const consentsSchema = z.object({
  mode: z.enum(CONSENT_MODES),
  consents: z.array(z.object({ source: z.string(), name: z.string(), given_at: z.string(), how: z.string() })),
});

export const ACCESS_ROUTES = {
  access: route('GET', '/api/v1/access', {
    access: 'owner',
    summary: 'Which roles may read, write, deploy and ship code of which model',
    query: z.object({ model: modelOrAll.optional() }),
    answer: accessSchema,
  }),
  accessSet: route('POST', '/api/v1/access', {
    access: 'owner',
    summary: 'Say which roles have a right; on an admin’s node, for the whole mesh',
    body: z.object({
      model: modelOrAll,
      read: roles.optional(),
      write: roles.optional(),
      deploy: roles.optional(),
      ship_code: roles.optional(),
    }),
    answer: accessSchema,
  }),
  accessUnset: route('POST', '/api/v1/access/unset', {
    access: 'owner',
    summary: 'Take a model’s own entry away: it has the rights of `*` again',
    body: z.object({ model: modelOrAll }),
    answer: accessSchema,
  }),
  audit: route('GET', '/api/v1/audit', {
    access: 'owner',
    summary: 'The audit log, page by page; without `after` its end',
    query: z.object({
      after: z.coerce.number().int().nonnegative().optional(),
      since: z.iso.datetime({ offset: true }).optional(),
      event: z.string().max(50).optional(),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
    answer: z.object({ entries: z.array(auditEntrySchema), head: headSchema }),
  }),
  auditVerify: route('GET', '/api/v1/audit/verify', {
    access: 'owner',
    summary: 'Read all of the audit log and check its chain and its end',
    answer: z.object({
      ok: z.boolean(),
      entries: z.number(),
      head: headSchema,
      problem: z.object({ seq: z.number(), reason: z.string(), message: z.string() }).nullable(),
    }),
  }),
  consent: route('GET', '/api/v1/consent', {
    access: 'owner',
    summary: 'Whom the owner agreed to take models from',
    answer: consentsSchema,
  }),
  consentAdd: route('POST', '/api/v1/consent', {
    access: 'owner',
    summary: 'Agree to a source: a node by name or id, or the origin of a mirror',
    body: z.object({ source: z.string().min(1).max(300) }),
    answer: consentsSchema,
  }),
  consentRemove: route('POST', '/api/v1/consent/remove', {
    access: 'owner',
    summary: 'Agree to a source no more; what came from it stays',
    body: z.object({ source: z.string().min(1).max(300) }),
    answer: consentsSchema,
  }),
  consentMode: route('POST', '/api/v1/consent/mode', {
    access: 'owner',
    summary: 'Who has to be agreed to before: nobody of the mesh, everybody, nobody at all',
    body: z.object({ mode: z.enum(CONSENT_MODES) }),
    answer: consentsSchema,
  }),
} as const;
