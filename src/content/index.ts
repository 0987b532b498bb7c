/** Content by its digest: piece layout, piece hashes and their root, bitfields. Pure. Spec: docs/spec/01-content.md. */
export { Bitfield } from './bitfield.ts';
export { PIECE_HASH_BYTES, PieceHasher } from './piece-hash.ts';
export { type ByteRange, type PieceLayout, pieceLayout, pieceRange } from './piece-layout.ts';
export { type PieceList, pieceHashAt, toPieceList, verifyPieceList } from './piece-list.ts';
export { PieceListHasher, pieceListOf } from './piece-list-hasher.ts';
