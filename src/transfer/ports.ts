/**
 * What a download needs of others: sources to get pieces from, a sink to put them in. `node` introduces the store's
 * writer and the peers; nothing here knows of either. Spec: docs/spec/10-transfer.md §1.
 */
import type { ByteRange } from '../content/index.ts';
import type { NodeId, PieceRoot, Sha256 } from '../core/index.ts';
import type { DifferenceAnswer } from '../protocol/index.ts';

/** What to get. Every field comes from a signed entry, never from the peer that sends the bytes. */
export interface BlobToGet {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  readonly pieceRoot: PieceRoot;
  /** Who signed the entry; named when all pieces fit and the digest does not. */
  readonly signers?: readonly string[];
}

/** A place that has the blob. Adapters: HTTP, mesh stream, relay, plain URL, package file. */
export interface PieceSource {
  /** Unique within a download, stable over restarts: outcomes are kept under it. */
  readonly id: string;
  readonly nodeId?: NodeId;
  /** The most lanes that may be opened at once; how many pay off, the planner finds out. 1 unless given. */
  readonly lanes?: number;
  /**
   * What asking it costs beyond its own bandwidth: 0 nearby or on the mesh, 1 through somebody's relay, 2 a CDN or hub that
   * is paid for by the byte or asked by everybody (T8). Higher ones are asked for what lower ones cannot give in time.
   */
  readonly tier?: 0 | 1 | 2;
  /** Bytes a second as measured before, so that the first request has the right size. */
  readonly expectedRate?: number;
  /** It fetches the blob itself, as far as is known: what it does not tell of, it is not asked for. */
  readonly isPartial?: boolean;
  /** The user wants it asked first: the others wait a moment for it to show what it can do. */
  readonly isPreferred?: boolean;
  /** Opens a way for one request at a time. Throws TransferError. */
  openLane(signal: AbortSignal): Promise<Lane>;
  /** The piece hashes, exactly `sizeBytes` long and not yet verified. Absent: this source has none. */
  pieceHashes?(sizeBytes: number, signal: AbortSignal): Promise<Buffer>;
  /**
   * Tells what it holds, first as a whole and then as it changes, until the signal comes; a source without it has
   * everything. Throws TransferError when the news end before that; `not_held` when it knows the blob no more.
   */
  followPieces?(tell: (news: PieceNews) => void, signal: AbortSignal): Promise<void>;
  /**
   * Which differences it has, or makes, from one of the contents named to this blob (docs/spec/22-differences.md §7). Throws
   * TransferError; `not_held` where it has none.
   */
  askDifference?(question: DifferenceQuestion, signal: AbortSignal): Promise<DifferenceAnswer>;
}

export interface DifferenceQuestion {
  /** What is here to begin from, best first. */
  readonly bases: readonly Sha256[];
  /** Only what is made already. */
  readonly madeOnly: boolean;
}

/** What a source says of the pieces it holds. Spec: docs/spec/10-transfer.md §8. */
export type PieceNews =
  /** Everything. */
  | { readonly news: 'holds_all' }
  /** Exactly these: bits, most significant first. */
  | { readonly news: 'holds'; readonly bits: Uint8Array }
  | { readonly news: 'gained'; readonly indexes: readonly number[] }
  /** It has begun to send these to somebody: what it has not sent yet is the better thing to ask it for. */
  | { readonly news: 'sent'; readonly indexes: readonly number[] }
  /** How many others follow this blob there. 0: nobody else is fetching it from this source. */
  | { readonly news: 'others'; readonly count: number };

/**
 * Takes the next bytes of a range. They are valid until the returned promise resolves (or the call returns); a lane
 * that runs out of buffers waits. Bytes over a SharedArrayBuffer are hashed in a worker without being copied.
 */
export type ReceiveBytes = (bytes: Buffer) => void | Promise<void>;

export interface Lane {
  /**
   * Streams exactly the bytes of `range`, in order, in chunks that never cross a multiple of 1 MiB of the blob.
   * Resolves when all were received and let go of. Throws TransferError, or what `receive` threw.
   * May be called again while earlier reads are under way: the answers come one after the other, in that order, and when
   * one fails so do those behind it; except behind a `peer_busy` after which the lane says that it `isUsable`.
   * A lane that cannot ask ahead (`depth` 1) is asked for one range at a time.
   */
  read(range: ByteRange, receive: ReceiveBytes, signal: AbortSignal): Promise<void>;
  /** Ends it at once; pending reads reject. Idempotent. */
  close(): void;
  /** It can go on after a read that failed, as one that was only refused for the moment. Not unless given. */
  readonly isUsable?: boolean;
  /** How many reads may be under way at once; 1 unless given. */
  readonly depth?: number;
  /** Time of a round trip as the opening showed it. */
  readonly roundTripMs?: number;
  /**
   * Bytes that have come so far, counted as they come and not as they are passed on: a peer that is slow, so that a chunk
   * takes long to fill, is so told from one that is silent. Without it what is passed on counts.
   */
  readonly arrivedBytes?: number;
}

/** Where pieces go; the blob store's writer satisfies it. `Done` is whatever finishing yields. */
export interface PieceSink<Done = unknown> {
  readonly heldPieces: Uint8Array;
  readonly heldPiecesUnsure: boolean;
  write(bytes: Uint8Array, position: number): Promise<void>;
  read(buffer: Buffer, position: number): Promise<number>;
  commitPiece(index: number): void;
  revokePiece(index: number): void;
  finish(): Promise<Done>;
  close(): Promise<void>;
  discard(): Promise<void>;
}

/** How to speak TLS with a peer. Who it is, `verifyPeer` decides, not a name in a certificate. */
export interface TlsCredentials {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** When given, the chain is checked as well. */
  readonly ca?: string | Buffer;
  /** Sent in the ClientHello, in the clear: a relay's one-time token. Checked against nothing. */
  readonly servername?: string;
  /** Throws when the peer's certificate (DER) is not the wanted node's. Runs before any request byte is sent. */
  verifyPeer(certificateDer: Buffer): void;
}
