/**
 * Serves blobs on streams of the mesh. Spec: docs/spec/10-transfer.md §9. What a peer controls: its questions, and how fast
 * it takes the answers. It can make us hold two parts of 1 MiB and a few questions a stream, and so many streams.
 * A stream's open file belongs to its session and is closed when that ends, however it ends.
 */
import { type ByteGate, type Logger, messageOf, type NodeId, openGate, type Sha256 } from '../../core/index.ts';
import type { ByteStream } from '../../mesh/index.ts';
import type { DifferenceAnswer } from '../../protocol/index.ts';
import type { DifferenceQuestion } from '../../transfer/index.ts';
import type { OfferedHolding } from '../fetched-content.ts';
import { NODE_LIMITS } from '../limits.ts';
import { BlobSession } from './blob-session.ts';
import { type FollowBook, noFollowBook } from './follow-book.ts';

/** Who asks, as the node's content wants to know it. */
export interface StreamViewer {
  readonly kind: 'peer';
  readonly nodeId: NodeId;
  readonly role: string;
}

/** A blob, or the part of one, open for reading. */
export interface StreamedBlob {
  readonly sizeBytes: number;
  /** Fills `buffer` from `position`. Throws an error of code `not_held_yet` for bytes that are not here yet. */
  read(buffer: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** What the node's HTTP edge serves too. */
export interface StreamedContent {
  openBlob(sha256: Sha256, viewer: StreamViewer): Promise<StreamedBlob | undefined>;
  /** Undefined where `root` is given and theirs is another. */
  pieceHashes(sha256: Sha256, viewer: StreamViewer, root?: string): Promise<Uint8Array | undefined>;
  /** Absent: every blob is here whole or not at all. */
  openHolding?(sha256: Sha256, viewer: StreamViewer): Promise<OfferedHolding | undefined>;
  /** What makes the blob of one of the bases, made or being made; undefined for neither. Absent: there are no differences. */
  difference?(
    sha256: Sha256,
    question: DifferenceQuestion,
    viewer: StreamViewer,
  ): Promise<DifferenceAnswer | undefined>;
}

export interface BlobStreamsOptions {
  readonly content: StreamedContent;
  roleOf(nodeId: NodeId): string;
  /** Lets bytes out at the rate that the node's policy has for this peer. */
  gateFor?(nodeId: NodeId, sha256: Sha256, sizeBytes: number): ByteGate;
  /** Where followers and what is sent are counted; without it they hear neither of others nor of what was sent. */
  readonly follows?: FollowBook;
  /** Hears of bytes that left. */
  onSent?(nodeId: NodeId, bytes: number): void;
  readonly logger: Logger;
}

export class BlobStreams {
  readonly #options: BlobStreamsOptions;
  readonly #open = new Map<NodeId, number>();

  constructor(options: BlobStreamsOptions) {
    this.#options = options;
  }

  /** Of all peers. */
  get openStreams(): number {
    return [...this.#open.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when the stream has ended; never rejects. */
  async serve(nodeId: NodeId, stream: ByteStream): Promise<void> {
    const { content, logger, follows = noFollowBook } = this.#options;
    const leave = this.#enter(nodeId);
    const viewer: StreamViewer = { kind: 'peer', nodeId, role: this.#options.roleOf(nodeId) };
    const gateFor = (sha256: Sha256, sizeBytes: number): ByteGate =>
      this.#options.gateFor?.(nodeId, sha256, sizeBytes) ?? openGate;
    const onSent = (bytes: number): void => this.#options.onSent?.(nodeId, bytes);
    const session = new BlobSession({
      ...{ content, viewer, stream, gateFor, follows, onSent },
      isBusy: leave === undefined,
    });
    try {
      await session.run();
      await stream.close();
    } catch (thrown) {
      logger.debug({ peer: nodeId, reason: messageOf(thrown) }, 'blob stream ended');
      stream.abort(thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
    } finally {
      await session.close();
      leave?.();
    }
  }

  /** Undefined when the peer has as many as it may have. */
  #enter(nodeId: NodeId): (() => void) | undefined {
    const held = this.#open.get(nodeId) ?? 0;
    if (held >= NODE_LIMITS.blobStreamsPerPeer) return undefined;
    this.#open.set(nodeId, held + 1);
    return () => {
      const left = (this.#open.get(nodeId) ?? 1) - 1;
      if (left === 0) this.#open.delete(nodeId);
      else this.#open.set(nodeId, left);
    };
  }
}
