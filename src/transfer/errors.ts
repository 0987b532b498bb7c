import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const TRANSFER_ERRORS = {
  no_sources: {
    kind: 'unreachable',
    fault: 'network',
    retry: true,
    means: 'Every peer that was asked has failed; `data.peers` names each one and its reason. What arrived is kept.',
  },
  peer_unreachable: {
    kind: 'unreachable',
    fault: 'network',
    retry: true,
    means:
      'The connection to a peer could not be made, or it broke. Its pieces are asked of others; it is tried again.',
  },
  peer_stalled: {
    kind: 'unreachable',
    fault: 'peer',
    retry: true,
    means: 'A peer sent nothing, or next to nothing, for 10 seconds. Its pieces are asked of others.',
  },
  peer_busy: {
    kind: 'unreachable',
    fault: 'peer',
    retry: true,
    means:
      'A peer has no room for another transfer now (408, 425, 429, 5xx); it is asked again when it says, or after a pause.',
  },
  peer_not_trusted: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      "A peer's certificate is not the one its node key vouches for. It is not asked again; no request reached it.",
  },
  refused: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'A peer does not let this node have the content (401, 403). Ask its owner for a role or a token.',
  },
  not_permitted: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The mesh’s access policy does not let this node’s role read the model. An admin changes that: `atmosphere access set MODEL --read ROLES`.',
  },
  not_held: {
    kind: 'not_found',
    fault: 'peer',
    retry: false,
    means: 'A peer does not have the content it was asked for (404, 410, 412, 416).',
  },
  not_held_yet: {
    kind: 'unreachable',
    fault: 'peer',
    retry: true,
    means:
      'A peer that is still fetching the content does not have the range it was asked for now (10-transfer §8). Others are asked; the peer stays a source.',
  },
  bad_response: {
    kind: 'integrity',
    fault: 'peer',
    retry: true,
    means: 'A peer answered something else than what was asked: another status, range, length or encoding.',
  },
  bad_piece: {
    kind: 'integrity',
    fault: 'peer',
    retry: true,
    means: 'A peer sent bytes, or a piece list, that are not the content. It is dropped for good; another is asked.',
  },
  digest_mismatch: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'Every piece fits the signed piece root but the whole is not the SHA-256: the signed entry lies. The part is deleted; `data.signers` says who signed.',
  },
  cancelled: {
    kind: 'cancelled',
    fault: 'user',
    retry: true,
    means: 'Somebody stopped the transfer. What arrived is kept and the next one goes on from there.',
  },
  bad_rate: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A rate is not one like 5Mbps, 500 kB/s, 2MiB/s or unlimited, or too slow to be told from a stall.',
  },
  bad_schedule: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'An entry of a rate schedule is not HH:MM-HH:MM and a rate, like `22:00-06:00 unlimited`.',
  },
  bad_policy: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The rate policy has an unknown profile, or more entries than it may have.',
  },
} as const satisfies ErrorTable;

export type TransferErrorCode = keyof typeof TRANSFER_ERRORS;

const FINAL: ReadonlySet<TransferErrorCode> = new Set([
  'bad_piece',
  'bad_response',
  'peer_not_trusted',
  'refused',
  'not_permitted',
  'not_held',
]);

/** A peer that did this is not asked again in the same download. */
export function isFinalForPeer(code: TransferErrorCode): boolean {
  return FINAL.has(code);
}

export interface TransferErrorOptions extends ErrorOptionsWithData {
  /** How long the peer asks us to wait. */
  readonly retryAfterMs?: number;
}

export class TransferError extends AtmosphereError<TransferErrorCode> {
  readonly retryAfterMs: number | undefined;

  constructor(code: TransferErrorCode, message: string, options: TransferErrorOptions = {}) {
    super(TRANSFER_ERRORS, code, message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whatever a source threw, as ours: an unknown error is a connection that broke. */
export function toTransferError(thrown: unknown, doing: string): TransferError {
  if (thrown instanceof TransferError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return new TransferError('peer_unreachable', `${doing}: ${text}`, { cause: thrown });
}
