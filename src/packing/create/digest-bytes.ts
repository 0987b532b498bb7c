/** Digests of bytes in memory: SHA-256, and the root of their pieces (docs/spec/01-content.md §3). Pure. */
import { createHash } from 'node:crypto';
import { pieceListOf } from '../../content/index.ts';
import type { Sha256 } from '../../core/index.ts';
import type { FileDigests } from './draft.ts';

export function digestBytes(bytes: Buffer): FileDigests {
  const sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
  return { sha256, pieceRoot: pieceListOf(bytes).root };
}
