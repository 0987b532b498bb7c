/** Digests of bytes in memory: SHA-256, and the root of their pieces (docs/spec/01-content.md §3). Pure. */
import { createHash } from 'node:crypto';
import { PieceHasher, pieceLayout, toPieceList } from '../../content/index.ts';
import type { Sha256 } from '../../core/index.ts';
import type { FileDigests } from './draft.ts';

export function digestBytes(bytes: Buffer): FileDigests {
  const { pieceBytes, pieceCount } = pieceLayout(bytes.length);
  const hashes = Array.from({ length: pieceCount }, (_, index) =>
    new PieceHasher().update(bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)).digest(),
  );
  const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
  return { sha256, pieceRoot: toPieceList(bytes.length, Buffer.concat(hashes)).root };
}
