/** What a cancel means to the one who asked, and what ours say. Spec: docs/spec/14-websocket.md §5. */
import type { CancelReason, TransferCancel } from '../protocol/index.ts';
import { TransferError, type TransferErrorCode } from './errors.ts';
import { TRANSFER_LIMITS } from './limits.ts';

const OF_CODE: Readonly<Record<string, TransferErrorCode>> = {
  model_not_found: 'not_held',
  blob_not_found: 'not_held',
  content_gone: 'not_held',
  file_required: 'not_held',
  not_held_yet: 'not_held_yet',
  too_many_streams: 'peer_busy',
  closing: 'peer_busy',
  relay_quota: 'peer_busy',
  stranger_refused: 'refused',
  refused: 'refused',
  not_permitted: 'not_permitted',
  bad_request: 'bad_response',
  target_absent: 'peer_unreachable',
  relay_overrun: 'peer_unreachable',
};

const OF_REASON: Readonly<Record<CancelReason, TransferErrorCode>> = {
  hash_mismatch: 'not_held',
  timeout: 'peer_stalled',
  network_error: 'peer_unreachable',
  user_cancelled: 'peer_busy',
  storage_full: 'peer_busy',
};

export function errorOfCancel({ reason, code = '', message, retry_after_s }: TransferCancel): TransferError {
  const means = (Object.hasOwn(OF_CODE, code) ? OF_CODE[code] : undefined) ?? OF_REASON[reason];
  const text = `Asking a peer for bytes: it cancelled, ${code === '' ? reason : code}: ${message.slice(0, 200)}`;
  if (retry_after_s === undefined || means !== 'peer_busy') return new TransferError(means, text);
  return new TransferError(means, text, {
    retryAfterMs: Math.min(retry_after_s * 1000, TRANSFER_LIMITS.maxRetryAfterMs),
  });
}

/** What the other end is told of a lane that ends early. */
export function reasonOfError(code: TransferErrorCode): CancelReason {
  if (code === 'bad_piece' || code === 'digest_mismatch') return 'hash_mismatch';
  if (code === 'peer_stalled') return 'timeout';
  return code === 'cancelled' ? 'user_cancelled' : 'network_error';
}
