import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const INVENTORY_ERRORS = {
  unreadable: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means:
      'A folder or file with models cannot be read. Its permissions or its disk need a look; the rest was scanned.',
  },
  unsafe_entry: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'An entry leads out of the folder it belongs to, or has a name that is not safe elsewhere. It is left out.',
  },
  bad_manifest: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'A manifest in another tool’s store cannot be read. The model it names is left out.',
  },
  too_many_entries: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'A folder holds more than is scanned (docs/limits.md). What was reached is listed.',
  },
  file_changed: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'A file changed while it was hashed. It is hashed again when it rests.',
  },
  hash_failed: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'A file could not be read to its end for hashing.',
  },
  claim_mismatch: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means:
      'A file’s SHA-256 is not the one its name claims. It is damaged; the tool that stored it should fetch it again.',
  },
  watch_limited: {
    kind: 'storage',
    fault: 'us',
    retry: true,
    means: 'Not every folder can be watched. New files there are found by the periodic scan.',
  },
  closed: {
    kind: 'cancelled',
    fault: 'us',
    retry: false,
    means: 'The inventory has been stopped.',
  },
} as const satisfies ErrorTable;

export type InventoryErrorCode = keyof typeof INVENTORY_ERRORS;

export class InventoryError extends AtmosphereError<InventoryErrorCode> {
  constructor(code: InventoryErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(INVENTORY_ERRORS, code, message, options);
  }
}
