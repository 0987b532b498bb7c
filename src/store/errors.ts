import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable, messageOf, systemCodeOf } from '../core/index.ts';

export const STORE_ERRORS = {
  blob_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'The store has no blob of this digest.',
  },
  blob_changed: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means:
      'A file served in place is no longer the one that was hashed. It is not served until it has been hashed again.',
  },
  blob_busy: {
    kind: 'storage',
    fault: 'us',
    retry: true,
    means: 'The blob is being written already; wait for that download or cancel it.',
  },
  blob_exists: {
    kind: 'storage',
    fault: 'us',
    retry: false,
    means: 'The store owns this blob already; there is nothing to write.',
  },
  blob_in_use: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The blob is pinned or a model uses it; unpin it or remove the model first.',
  },
  disk_full: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'The disk has no room for it. What was downloaded is kept; free space and go on.',
  },
  quota_exceeded: {
    kind: 'storage',
    fault: 'user',
    retry: true,
    means: 'It would exceed the quota of the store. Remove models or raise the quota.',
  },
  incomplete: {
    kind: 'integrity',
    fault: 'us',
    retry: true,
    means: 'A blob was to be finished while pieces are missing or unchecked.',
  },
  digest_mismatch: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'Bytes do not have the SHA-256 under which they were to be stored.',
  },
  not_held_yet: {
    kind: 'not_found',
    fault: 'us',
    retry: true,
    means: 'Bytes of a part were asked for whose piece has not come yet, or is in doubt.',
  },
  out_of_range: {
    kind: 'internal',
    fault: 'us',
    retry: false,
    means: 'A read, write or piece lies outside the blob, or the blob’s measures make no sense.',
  },
  store_closed: {
    kind: 'cancelled',
    fault: 'us',
    retry: false,
    means: 'The store, reader or writer was closed before.',
  },
  io_failed: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'The operating system refused to read or write a file; the cause says why.',
  },
} as const satisfies ErrorTable;

export type StoreErrorCode = keyof typeof STORE_ERRORS;

export class StoreError extends AtmosphereError<StoreErrorCode> {
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(STORE_ERRORS, code, message, options);
  }
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What a system call threw, as this area's error: no room is `disk_full`, the rest `io_failed`. */
export function toStoreError(action: string, thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const systemCode = systemCodeOf(thrown);
  const code = systemCode !== undefined && FULL.has(systemCode) ? 'disk_full' : 'io_failed';
  return new StoreError(code, `${action}: ${messageOf(thrown)}`, { cause: thrown, data: { systemCode } });
}
