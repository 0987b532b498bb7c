/** `peer_outcome`: what one node found another's service to be. Spec: docs/spec/15-feedback.md §3. */
import { z } from 'zod';
import { isNodeId, type NodeId } from '../core/index.ts';
import { ProtocolError } from './errors.ts';
import { lenientObject, reasonOf } from './lenient.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import type { RecordAuthor } from './record.ts';

const count = z.number().int().min(0).max(PROTOCOL_LIMITS.outcomeCount).default(0);

const outcomeSchema = lenientObject({
  type: z.literal('peer_outcome'),
  subject: z
    .string()
    .refine(isNodeId, 'no node id')
    .transform((text) => text as NodeId),
  /** Milliseconds since 1970; the counts are of the `window_ms` from here. */
  window_start: z.number().int().positive(),
  window_ms: z.number().int().min(0).max(PROTOCOL_LIMITS.outcomeWindowMs),
  ok: count,
  slow: count,
  stalled: count,
  corrupt: count,
  /** Verified bytes that came. */
  bytes: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).default(0),
});
export type PeerOutcome = z.infer<typeof outcomeSchema>;

/** Throws ProtocolError `malformed`; also for what names another subject than its record's key, or its own author. */
export function parsePeerOutcome(value: unknown, record: { readonly author: RecordAuthor; readonly key: string }) {
  const sizeBytes = JSON.stringify(value)?.length ?? 0;
  if (sizeBytes > PROTOCOL_LIMITS.outcomeBytes)
    throw malformed(`${sizeBytes} characters, at most ${PROTOCOL_LIMITS.outcomeBytes}`);
  const parsed = outcomeSchema.safeParse(value);
  if (!parsed.success) throw malformed(reasonOf(parsed.error), parsed.error);
  const { subject, ok, slow, stalled, corrupt } = parsed.data;
  if (subject !== record.key) throw malformed('its subject is not its key');
  if (subject === record.author) throw malformed('a node speaks of itself');
  if (ok + slow + stalled + corrupt === 0) throw malformed('it says nothing');
  return parsed.data;
}

function malformed(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('malformed', `Reading a peer outcome: ${what}`, { cause });
}
