/** Content that is made in memory, as a blob. Pure. */
import { createHash } from 'node:crypto';
import { PieceHasher, pieceLayout, toPieceList } from '../../../content/index.ts';
import { type PieceRoot, parseSha256, type Sha256 } from '../../../core/index.ts';

export interface SmallBlob {
  readonly bytes: Buffer;
  readonly sha256: Sha256;
  readonly pieceRoot: PieceRoot;
  readonly pieceHashes: Buffer;
}

export function toSmallBlob(bytes: Buffer): SmallBlob {
  const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
  const { pieceBytes, pieceCount } = pieceLayout(bytes.length);
  const hashes = Array.from({ length: pieceCount }, (_, index) =>
    new PieceHasher().update(bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)).digest(),
  );
  const { root, hashes: pieceHashes } = toPieceList(bytes.length, Buffer.concat(hashes));
  return { bytes, sha256, pieceRoot: root, pieceHashes };
}
