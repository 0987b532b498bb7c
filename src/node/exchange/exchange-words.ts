/** The exchange messages as records: which word counts, and under which key it stands. Pure. Spec: docs/spec/17-deployment.md §7. */
import type { NodeId } from '../../core/index.ts';
import {
  type ExchangeMessage,
  type ModelEntry,
  manifestKey,
  PROTOCOL_LIMITS,
  parseExchangeMessage,
  type SignedRecord,
} from '../../protocol/index.ts';

export interface ExchangeWord<Message extends ExchangeMessage = ExchangeMessage> {
  /** Who signed it, whatever `from_node` says. */
  readonly from: NodeId;
  readonly key: string;
  readonly seq: number;
  readonly message: Message;
}

/** Undefined for what is no message of the exchange, is too old to be one, or stands under a key of another kind. */
export function readExchangeWord(record: SignedRecord, nowMs: number): ExchangeWord | undefined {
  if (record.kind !== 'exchange' || record.expires_at <= nowMs) return undefined;
  try {
    const message = parseExchangeMessage(record.payload);
    if (!record.key.startsWith(`${KEYS[message.type]}:`)) return undefined;
    if (message.type === 'model_available' && !isTimely(message.timestamp, record.issued_at)) return undefined;
    return { from: record.author as NodeId, key: record.key, seq: record.seq, message };
  } catch {
    return undefined;
  }
}

const KEYS: Record<ExchangeMessage['type'], string> = {
  model_available: 'available',
  model_request: 'request',
  model_offer: 'offer',
};

/** Seconds in the message, milliseconds in the record: more than the clock skew apart, it is a word of another time. */
function isTimely(timestamp: number, issuedAtMs: number): boolean {
  return Math.abs(timestamp * 1000 - issuedAtMs) <= PROTOCOL_LIMITS.clockSkewMs;
}

export function availableKey(entry: ModelEntry): string {
  return `available:${manifestKey(entry)}`;
}
