import { createHash } from 'node:crypto';
import type { PieceRoot, Sha256 } from '../../core/index.ts';
import type { BlobSpec } from '../index.ts';

/** A spec in pieces of 64 KiB, as the tests use it. */
export function spec64k(content: Buffer): BlobSpec {
  const sha256 = createHash('sha256').update(content).digest('hex') as Sha256;
  return { sha256, sizeBytes: content.length, pieceBytes: 65_536, pieceRoot: 'ab'.repeat(32) as PieceRoot };
}
