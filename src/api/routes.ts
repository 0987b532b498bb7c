/**
 * The HTTP contract: every route with its shapes and who may call it. Server, CLI, OpenAPI page and tests read it.
 * Spec: docs/spec/05-http.md §2 (public), §6 (control).
 */
import { z } from 'zod';
import { ACCESS_ROUTES } from './access-routes.ts';
import { BUNDLE_ROUTES } from './bundle-routes.ts';
import { DEPLOYMENT_ROUTES } from './deployment-routes.ts';
import { MANIFEST_ROUTES } from './manifest-routes.ts';
import { doctorSchema, nodeRowSchema, statusSchema } from './mesh.ts';
import { MODEL_REGISTRY_ROUTES } from './model-registry-routes.ts';
import {
  modelInfoSchema,
  modelRowSchema,
  pullBodySchema,
  pullEventSchema,
  transferSchema,
  workEventSchema,
} from './models.ts';
import { PACKAGE_KEPT_ROUTES, PACKAGE_MESH_ROUTES, PACKAGE_ROUTES, PACKAGE_SOURCE_ROUTES } from './package-routes.ts';
import {
  limitsChangeSchema,
  limitsSchema,
  transfersAnswerSchema,
  transferWishSchema,
  whichTransfersSchema,
} from './rate-policy.ts';
import { ROLLOUT_ROUTES } from './rollout-routes.ts';
import { route } from './route.ts';
import { RULES_ROUTES } from './rules-routes.ts';

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]).optional();
const modelQuery = z.object({ id: z.string().min(1).max(300), range: z.string().max(100).optional() });

/** Routes of the control API, under `/api/v1`, all for the owner. */
export const CONTROL_ROUTES = {
  status: route('GET', '/api/v1/status', { access: 'owner', summary: 'This node at a glance', answer: statusSchema }),
  doctor: route('GET', '/api/v1/doctor', { access: 'owner', summary: 'Checks with advice', answer: doctorSchema }),
  shutdown: route('POST', '/api/v1/shutdown', {
    access: 'owner',
    summary: 'Stop the daemon',
    answer: z.object({ stopping: z.boolean() }),
  }),

  meshInit: route('POST', '/api/v1/mesh/init', {
    access: 'owner',
    summary: 'Make a new mesh with this node as its authority',
    body: z.object({ name: z.string().min(1).max(100), replace: z.boolean().default(false) }),
    answer: z.object({ mesh_id: z.string(), name: z.string() }),
  }),
  meshInvite: route('POST', '/api/v1/mesh/invites', {
    access: 'owner',
    summary: 'Make an invite code',
    body: z.object({
      role: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a role is lower-case letters, digits and dashes')
        .default('member'),
      expires_s: z
        .number()
        .int()
        .min(60)
        .max(30 * 86_400)
        .default(86_400),
      uses: z.number().int().min(1).max(1000).default(1),
    }),
    answer: z.object({ code: z.string(), role: z.string(), uses: z.number(), expires_at: z.string() }),
  }),
  meshJoin: route('POST', '/api/v1/mesh/join', {
    access: 'owner',
    summary: 'Join a mesh by its invite code',
    body: z.object({ code: z.string().min(1).max(4096) }),
    answer: z.object({ mesh_id: z.string(), name: z.string(), role: z.string(), inviter: z.string() }),
  }),
  meshNodes: route('GET', '/api/v1/mesh/nodes', {
    access: 'owner',
    summary: 'The nodes of this mesh, or one of them with everything that it says of itself',
    query: z.object({ node: z.string().min(1).max(200).optional() }),
    answer: z.object({ nodes: z.array(nodeRowSchema) }),
  }),
  meshRevoke: route('POST', '/api/v1/mesh/revoke', {
    access: 'owner',
    summary: 'Take a node’s membership away',
    body: z.object({ node: z.string().min(1).max(200), reason: z.string().max(200).default('') }),
    answer: z.object({ node_id: z.string(), name: z.string() }),
  }),
  meshLeave: route('POST', '/api/v1/mesh/leave', {
    access: 'owner',
    summary: 'Leave the mesh; the node is a mesh of one again',
    answer: z.object({ left: z.string(), mesh_id: z.string() }),
  }),
  meshToken: route('POST', '/api/v1/mesh/token', {
    access: 'owner',
    summary: 'A short-lived token with which a tool on another host may read models',
    body: z.object({
      audience: z.string().max(200).optional(),
      ttl_s: z.number().int().min(10).max(86_400).default(3600),
    }),
    answer: z.object({ token: z.string(), audience: z.string(), expires_at: z.string() }),
  }),

  modelList: route('GET', '/api/v1/models', {
    access: 'owner',
    summary: 'Models: here, in the mesh, or those that are elsewhere only',
    query: z.object({ scope: z.enum(['local', 'mesh', 'available']).default('local') }),
    answer: z.object({ contract: z.number(), models: z.array(modelRowSchema) }),
  }),
  modelInfo: route('GET', '/api/v1/models/info', {
    access: 'owner',
    summary: 'One model, with its versions and holders',
    query: modelQuery,
    answer: modelInfoSchema,
  }),
  modelScan: route('POST', '/api/v1/models/scan', {
    access: 'owner',
    summary: 'Look through the known places again; an event a line',
    body: z.object({ hash: flag }),
    answer: workEventSchema,
    streams: true,
  }),
  modelImport: route('POST', '/api/v1/models/import', {
    access: 'owner',
    summary: 'Take a file or folder as a model, in place; an event a line',
    body: z.object({
      path: z.string().min(1).max(4096),
      name: z.string().min(1).max(200).optional(),
      version: z.string().min(1).max(100).optional(),
      type: z.string().max(50).optional(),
      capabilities: z.array(z.string().min(1).max(200)).max(64).optional(),
      /** In any vocabulary; what the fields above say goes before it. */
      manifest: z.record(z.string(), z.unknown()).optional(),
    }),
    answer: workEventSchema,
    streams: true,
  }),
  modelShare: route('POST', '/api/v1/models/share', {
    access: 'owner',
    summary: 'Open a model to everybody who can reach this node, or close it again',
    body: z.object({ id: z.string().min(1).max(300), public: z.boolean() }),
    answer: modelRowSchema,
  }),
  modelRemove: route('POST', '/api/v1/models/remove', {
    access: 'owner',
    summary: 'Forget a model; bytes that Atmosphere stored are deleted, adopted files stay',
    body: modelQuery,
    answer: z.object({
      removed: z.array(modelRowSchema),
      freed_bytes: z.number(),
      /** Something wants it here, so it will be fetched again: `command`, `rule`, `rollout`, `organic`, `pin`. */
      still_wanted: z.string().optional(),
    }),
  }),
  modelVerify: route('POST', '/api/v1/models/verify', {
    access: 'owner',
    summary: 'Read a model’s files again and compare; an event a line',
    body: modelQuery,
    answer: workEventSchema,
    streams: true,
  }),

  ...MANIFEST_ROUTES,

  pull: route('POST', '/api/v1/transfers', {
    access: 'owner',
    summary: 'Get a model from the mesh; an event a line',
    body: pullBodySchema,
    answer: pullEventSchema,
    streams: true,
  }),
  transfers: route('GET', '/api/v1/transfers', {
    access: 'owner',
    summary: 'Transfers, newest first',
    answer: z.object({ transfers: z.array(transferSchema) }),
  }),
  transferEvents: route('GET', '/api/v1/transfers/events', {
    access: 'owner',
    summary: 'Every transfer’s state, a line at each change',
    answer: transferSchema,
    streams: true,
  }),
  transferCancel: route('DELETE', '/api/v1/transfers/:request_id', {
    access: 'owner',
    summary: 'Cancel a transfer by its request id; the part is kept',
    answer: transferSchema,
  }),
  transferPause: route('POST', '/api/v1/transfers/pause', {
    access: 'owner',
    summary: 'Pause a transfer, or all; it stays paused over restarts, and what arrived is kept and served',
    body: whichTransfersSchema,
    answer: transfersAnswerSchema,
  }),
  transferResume: route('POST', '/api/v1/transfers/resume', {
    access: 'owner',
    summary: 'Let a paused transfer go on, or all',
    body: whichTransfersSchema,
    answer: transfersAnswerSchema,
  }),
  transferWish: route('POST', '/api/v1/transfers/wish', {
    access: 'owner',
    summary: 'Priority and rate limits of one transfer; what is absent stays',
    body: transferWishSchema,
    answer: transferSchema,
  }),
  limits: route('GET', '/api/v1/limits', {
    access: 'owner',
    summary: 'The rate policy of this node',
    answer: limitsSchema,
  }),
  limitsChange: route('POST', '/api/v1/limits', {
    access: 'owner',
    summary: 'Change the rate policy; it holds at once, and is kept',
    body: limitsChangeSchema,
    answer: limitsSchema,
  }),

  ...ACCESS_ROUTES,
  ...BUNDLE_ROUTES,
  ...MODEL_REGISTRY_ROUTES,
  ...DEPLOYMENT_ROUTES,
  ...ROLLOUT_ROUTES,
  ...RULES_ROUTES,
  ...PACKAGE_SOURCE_ROUTES,
  ...PACKAGE_KEPT_ROUTES,
  ...PACKAGE_ROUTES,
  ...PACKAGE_MESH_ROUTES,
} as const;

export type ControlRoutes = typeof CONTROL_ROUTES;
export type ControlRouteName = keyof ControlRoutes;
export type QueryOf<Name extends ControlRouteName> = z.input<ControlRoutes[Name]['query']>;
export type BodyOf<Name extends ControlRouteName> = z.input<ControlRoutes[Name]['body']>;
export type ParsedQueryOf<Name extends ControlRouteName> = z.output<ControlRoutes[Name]['query']>;
export type ParsedBodyOf<Name extends ControlRouteName> = z.output<ControlRoutes[Name]['body']>;
export type AnswerOf<Name extends ControlRouteName> = z.output<ControlRoutes[Name]['answer']>;
