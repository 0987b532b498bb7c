/**
 * Who follows which blob of this node, and what is sent of it, by whatever way they came: a port, for the HTTP edge counts in
 * the same book. Spec: docs/spec/10-transfer.md §8, §9 no. 3.
 */
import type { NodeId, Sha256 } from '../../core/index.ts';

export interface FollowBook {
  /** Throws an error of code `too_many_streams`. */
  follow(question: {
    readonly sha256: Sha256;
    readonly sizeBytes: number;
    readonly pieceBytes: number;
    readonly nodeId: NodeId;
    /** Who is counted for the bound on one peer. */
    readonly account: string;
    /** Something of it has changed. */
    readonly onChange: () => void;
  }): Following;
  /** Bytes [start, end) of the blob are about to be sent to somebody. */
  noteSending(sha256: Sha256, start: number, end: number): void;
}

export interface Following extends Disposable {
  /** Pieces that were begun to be sent; a copy. */
  sent(): Uint8Array;
  /** Other followers of the blob. */
  others(): number;
}

/** Nobody counts. */
export const noFollowBook: FollowBook = {
  follow: () => ({ sent: () => new Uint8Array(0), others: () => 0, [Symbol.dispose]() {} }),
  noteSending() {},
};
