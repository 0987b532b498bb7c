/** Content that is made in memory, as a blob. Pure. */
import { createHash } from 'node:crypto';
import { pieceListOf } from '../../../content/index.ts';
import { type PieceRoot, parseSha256, type Sha256 } from '../../../core/index.ts';

export interface SmallBlob {
  readonly bytes: Buffer;
  readonly sha256: Sha256;
  readonly pieceRoot: PieceRoot;
  readonly pieceHashes: Buffer;
}

export function toSmallBlob(bytes: Buffer): SmallBlob {
  const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
  const { root, hashes: pieceHashes } = pieceListOf(bytes);
  return { bytes, sha256, pieceRoot: root, pieceHashes };
}
