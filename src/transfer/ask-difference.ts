/** An answer about a difference, whichever way it came. Spec: docs/spec/22-differences.md §7.1. */
import { type DifferenceAnswer, ProtocolError, parseDifferenceAnswer } from '../protocol/index.ts';
import { TransferError } from './errors.ts';

/** Throws TransferError `bad_response`. */
export function readDifferenceAnswer(bytes: Buffer): DifferenceAnswer {
  try {
    return parseDifferenceAnswer(bytes);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new TransferError('bad_response', cause.message, { cause });
  }
}
