/**
 * The hashes of a blob's pieces and the root that names them. A root binds size and every piece, so whoever holds the
 * root of a signed entry can check a piece list, and then every piece, from anybody. Spec: docs/spec/01-content.md §3.
 */
import { createHash } from 'node:crypto';
import type { PieceRoot } from '../core/index.ts';
import { ContentError } from './errors.ts';
import { PIECE_HASH_BYTES } from './piece-hash.ts';
import { type PieceLayout, pieceLayout } from './piece-layout.ts';

const ROOT_CONTEXT = 'atmosphere/pieces/v1\n';

export interface PieceList {
  readonly layout: PieceLayout;
  readonly root: PieceRoot;
  /** 32 bytes a piece, in order. */
  readonly hashes: Buffer;
}

/** SHA-256 over the context line, the size as uint64 big-endian, and the hashes. */
export function pieceRootOf(sizeBytes: number, hashes: Uint8Array): PieceRoot {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(sizeBytes));
  return createHash('sha256').update(ROOT_CONTEXT).update(size).update(hashes).digest('hex') as PieceRoot;
}

/** A list of hashes this node has computed itself. */
export function toPieceList(sizeBytes: number, hashes: Buffer): PieceList {
  return { layout: pieceLayout(sizeBytes), root: pieceRootOf(sizeBytes, hashes), hashes };
}

/** Checks a list from a peer against the signed root. Throws ContentError `bad_piece_list`. */
export function verifyPieceList(sizeBytes: number, hashes: Buffer, root: PieceRoot): PieceList {
  const layout = pieceLayout(sizeBytes);
  const wantedBytes = layout.pieceCount * PIECE_HASH_BYTES;
  if (hashes.length !== wantedBytes)
    throw new ContentError('bad_piece_list', `Checking a piece list: ${hashes.length} bytes, wanted ${wantedBytes}`);
  if (pieceRootOf(sizeBytes, hashes) !== root)
    throw new ContentError('bad_piece_list', 'Checking a piece list: its root is not the signed one');
  return { layout, root, hashes };
}

export function pieceHashAt(list: PieceList, index: number): Buffer {
  return list.hashes.subarray(index * PIECE_HASH_BYTES, (index + 1) * PIECE_HASH_BYTES);
}
