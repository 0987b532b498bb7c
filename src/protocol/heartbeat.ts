/** `heartbeat`: a node's word that it lives, and where it is found. Spec: docs/spec/04-catalog.md §4. */
import { z } from 'zod';
import { ProtocolError } from './errors.ts';
import { lenientObject, reasonOf } from './lenient.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

const heartbeatSchema = lenientObject({
  type: z.literal('heartbeat'),
  node_name: z.string().min(1).max(PROTOCOL_LIMITS.labelChars).catch('unnamed'),
  program_version: z.string().max(PROTOCOL_LIMITS.versionChars).default(''),
  /** Base URLs under which the node serves blobs, best first: `https://192.168.1.7:14345`. */
  http: z
    .array(z.url({ protocol: /^https?$/ }).max(200))
    .max(16)
    .default([]),
  /** Mesh addresses (multiaddrs). */
  mesh: z.array(z.string().max(300)).max(16).default([]),
  /** Equal for nodes that share one machine's loopback, a hash that says nothing else. */
  machine: z.string().max(64).optional(),
  /** Port of plain HTTP on that loopback. */
  loopback_port: z.number().int().min(1).max(65_535).optional(),
  /** Splice relays through which the node can be reached, best first: `relay.example:4303`. */
  relays: z.array(z.string().max(200)).max(4).default([]),
  /** Blobs that are being fetched and served piece by piece meanwhile, the newest first. */
  fetching: z
    .array(z.string().regex(/^[0-9a-f]{64}$/))
    .max(32)
    .default([]),
  /** How many catalog pages this node has published; pages from this number on are void. */
  catalog_pages: z.number().int().nonnegative().max(100_000).default(0),
  /** Its last word: it stops now, on purpose, and has nothing until it speaks again. */
  leaving: z.boolean().optional(),
  model_count: z.number().int().nonnegative().default(0),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** Throws ProtocolError `malformed`. */
export function parseHeartbeat(value: unknown): Heartbeat {
  const parsed = heartbeatSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError('malformed', `Reading a heartbeat: ${reasonOf(parsed.error)}`, { cause: parsed.error });
}
