/** Shapes of mesh and node answers. */
import { z } from 'zod';
import { limitsSchema, RATE_PROFILES } from './rate-policy.ts';

/** The public `node_capabilities` (docs/spec/17-deployment.md §1), without what the row says already. */
export const nodeCapabilitiesSchema = z.object({
  region: z.string().nullable(),
  /** Which part of a package it takes: `tier_1` to `tier_3`. */
  tier: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  hardware: z.object({
    memory_mb: z.number(),
    vram_mb: z.number(),
    cpu_cores: z.number(),
    gpu: z.string().nullable(),
    architecture: z.string(),
    disk_free_mb: z.number(),
  }),
  execution_providers: z.array(z.string()),
  software: z.object({
    python_version: z.string().nullable(),
    package_count: z.number(),
    /** Where one node was asked for; thousands would make a list of nodes very long. */
    installed_packages: z.array(z.string()).optional(),
  }),
  interests: z.array(z.string()),
  constraints: z.object({ max_model_size_mb: z.number().nullable(), max_models: z.number().nullable() }),
});

export const nodeRowSchema = z.object({
  node_id: z.string(),
  name: z.string(),
  role: z.string(),
  this_node: z.boolean(),
  /** `online`: heard within the catalog's life; `offline`: known, silent; `revoked`. */
  state: z.enum(['online', 'offline', 'revoked']),
  connected: z.boolean(),
  models: z.number(),
  last_seen: z.string().nullable(),
  http: z.array(z.string()),
  /** How far this node trusts its bytes, and why; null for this node. */
  standing: z
    .object({
      word: z.enum(['good', 'unknown', 'slow', 'suspect', 'banned']),
      reason: z.string(),
      /** That a download from it goes well, between 0 and 1. */
      chance: z.number(),
      /** Other nodes that told of it. */
      reporters: z.number(),
    })
    .nullable(),
  /** What it says of itself; null while it has said nothing. `role` is that of its certificate. */
  capabilities: nodeCapabilitiesSchema.nullable(),
  certificate_expires: z.string().nullable(),
});
export type NodeRow = z.infer<typeof nodeRowSchema>;

/** An agent of a package (docs/spec/23-agents.md §4). */
export const agentRowSchema = z.object({
  package: z.string(),
  package_version: z.string(),
  id: z.string(),
  version: z.string(),
  state: z.enum(['running', 'starting', 'waiting', 'no_runner', 'refused']),
  pid: z.number().nullable(),
  /** How it is, in words. */
  detail: z.string(),
  restarts: z.number(),
  log_file: z.string(),
});
export type AgentRow = z.infer<typeof agentRowSchema>;

export const statusSchema = z.object({
  node_id: z.string(),
  name: z.string(),
  role: z.string(),
  version: z.string(),
  home: z.string(),
  pid: z.number(),
  uptime_s: z.number(),
  mesh: z.object({
    mesh_id: z.string(),
    name: z.string(),
    authority: z.boolean(),
    members: z.number(),
    connected: z.number(),
  }),
  listen: z.object({ http: z.string(), mesh: z.array(z.string()) }),
  models: z.object({ local: z.number(), ready: z.number(), mesh: z.number(), size_bytes: z.number() }),
  hashing: z.object({
    files_left: z.number(),
    bytes_left: z.number(),
    current: z.string().nullable(),
  }),
  transfers: z.object({ active: z.number(), completed: z.number(), failed: z.number() }),
  store: z.object({ owned_bytes: z.number(), partial_bytes: z.number(), free_bytes: z.number() }),
  /** What holds now of the rate policy. */
  limits: limitsSchema.shape.now.extend({ profile: z.enum(RATE_PROFILES) }),
  /** Relays by which this node is to be reached; `why` says what is wrong with one that is not up. */
  relays: z.array(
    z.object({
      address: z.string(),
      kind: z.enum(['splice', 'websocket']),
      up: z.boolean(),
      why: z.string().optional(),
    }),
  ),
  /** The splice relay that this node is: nodes registered, connections joined now, bytes since its start. */
  relay: z.object({ address: z.string(), holders: z.number(), pairs: z.number(), bytes: z.number() }).nullable(),
  /** URL templates of this node's mirrors. */
  mirrors: z.array(z.string()),
  /** Which part of a package this node takes. */
  tier: z.string(),
  /** The command that starts agents of packages, a word each; null where none is configured. */
  agent_runner: z.array(z.string()).nullable(),
  agents: z.array(agentRowSchema),
  memory_bytes: z.number(),
  problems: z.array(z.string()),
});
export type Status = z.infer<typeof statusSchema>;

export const doctorSchema = z.object({
  checks: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['ok', 'warn', 'fail']),
      detail: z.string(),
      try: z.string().optional(),
    }),
  ),
});
export type DoctorReport = z.infer<typeof doctorSchema>;
