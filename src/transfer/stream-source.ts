/** Pieces over byte streams of the mesh, where HTTP does not reach a peer. Spec: docs/spec/10-transfer.md §9. */
import { pieceLayout } from '../content/index.ts';
import type { NodeId } from '../core/index.ts';
import { type DifferenceAnswer, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { readDifferenceAnswer } from './ask-difference.ts';
import type { ByteStream } from './byte-stream.ts';
import { collectBytes } from './collect-bytes.ts';
import { toTransferError } from './errors.ts';
import type { BlobToGet, DifferenceQuestion, Lane, PieceNews, PieceSource } from './ports.ts';
import { StreamLane } from './stream-lane.ts';
import { followStream } from './stream-pieces-news.ts';
import { askOverStream } from './stream-question.ts';

export interface StreamPieceSourceOptions {
  readonly id: string;
  readonly nodeId?: NodeId;
  readonly blob: BlobToGet;
  /** A fresh stream to the peer; whoever opens it knows that it is that peer. */
  readonly openStream: (signal: AbortSignal) => Promise<ByteStream>;
  readonly tier?: 0 | 1 | 2;
  readonly expectedRate?: number;
}

export class StreamPieceSource implements PieceSource {
  readonly id: string;
  readonly nodeId?: NodeId;
  /** They would share one connection. */
  readonly lanes = 1;
  readonly tier: 0 | 1 | 2;
  readonly expectedRate?: number;
  readonly #options: StreamPieceSourceOptions;

  constructor(options: StreamPieceSourceOptions) {
    const { id, nodeId, tier, expectedRate } = options;
    this.id = id;
    if (nodeId !== undefined) this.nodeId = nodeId;
    this.tier = tier ?? 0;
    if (expectedRate !== undefined) this.expectedRate = expectedRate;
    this.#options = options;
  }

  async openLane(signal: AbortSignal): Promise<Lane> {
    const { sha256, sizeBytes } = this.#options.blob;
    return new StreamLane(await this.#open(signal), { want: 'bytes', sha256, sizeBytes });
  }

  async pieceHashes(sizeBytes: number, signal: AbortSignal): Promise<Buffer> {
    const { sha256, pieceRoot: root } = this.#options.blob;
    const lane = new StreamLane(await this.#open(signal), { want: 'pieces', sha256, sizeBytes, root });
    try {
      return await collectBytes(sizeBytes, (receive) => lane.read({ start: 0, end: sizeBytes }, receive, signal));
    } finally {
      lane.close();
    }
  }

  async followPieces(tell: (news: PieceNews) => void, signal: AbortSignal): Promise<void> {
    const { sha256, pieceRoot: root, sizeBytes } = this.#options.blob;
    const { pieceCount } = pieceLayout(sizeBytes);
    try {
      await followStream(await this.#open(signal), { sha256, root, pieceCount }, tell, signal);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  async askDifference({ bases, madeOnly }: DifferenceQuestion, signal: AbortSignal): Promise<DifferenceAnswer> {
    const { sha256 } = this.#options.blob;
    const request = { want: 'difference', sha256, bases, ...(madeOnly ? { made: true } : {}) } as const;
    const question = { request, maxBytes: PROTOCOL_LIMITS.differenceAnswerBytes };
    return readDifferenceAnswer(await askOverStream(await this.#open(signal), question, signal));
  }

  async #open(signal: AbortSignal): Promise<ByteStream> {
    try {
      return await this.#options.openStream(signal);
    } catch (thrown) {
      throw toTransferError(thrown, 'Opening a stream to a peer');
    }
  }
}
