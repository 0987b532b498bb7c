/** Frames of a control connection. Spec: docs/spec/13-relay.md §3. */
import { z } from 'zod';
import { isNodeId, type NodeId } from '../core/index.ts';
import { RelayError } from './errors.ts';
import { isToken, type PairToken } from './preamble.ts';

const id = z.number().int().min(0).max(0xffff_ffff);
const nodeId = z.custom<NodeId>((value) => typeof value === 'string' && isNodeId(value), 'not a node id');
const token = z.custom<PairToken>((value) => typeof value === 'string' && isToken(value), 'not a token');
const REFUSAL_CODES = ['not_registered', 'over_quota', 'busy', 'malformed'] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

const clientFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('register') }),
  z.object({ type: z.literal('connect'), id, target: nodeId }),
  z.object({ type: z.literal('ping') }),
]);
export type ClientFrame = z.infer<typeof clientFrame>;

const relayFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('registered') }),
  z.object({ type: z.literal('token'), id, token }),
  z.object({ type: z.literal('pong') }),
  z.object({ type: z.literal('incoming'), token, from: nodeId }),
  z.object({
    type: z.literal('refused'),
    code: z.enum(REFUSAL_CODES),
    id: id.optional(),
    retry_after_s: z.number().int().min(0).max(86_400).optional(),
  }),
]);
export type RelayFrame = z.infer<typeof relayFrame>;

/** What a client said. Throws RelayError `malformed`. */
export function parseClientFrame(value: unknown): ClientFrame {
  return parse(clientFrame, value, 'a frame of a client');
}

/** What a relay said. Throws RelayError `malformed`. */
export function parseRelayFrame(value: unknown): RelayFrame {
  return parse(relayFrame, value, 'a frame of the relay');
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const reason = issue === undefined ? 'unknown' : [issue.path.join('.'), issue.message].join(': ');
  throw new RelayError('malformed', `Reading ${what}: ${reason}`, { cause: parsed.error });
}
