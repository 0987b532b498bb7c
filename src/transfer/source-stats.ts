/** What a download learns about a source, handed back so that the node can choose better next time. */
import type { NodeId } from '../core/index.ts';
import type { TransferError, TransferErrorCode } from './errors.ts';

export interface SourceOutcome {
  readonly id: string;
  readonly nodeId: NodeId | undefined;
  /** Verified bytes that came from it. */
  readonly bytes: number;
  readonly pieces: number;
  readonly failures: readonly TransferErrorCode[];
  /** The last failure, for people. */
  readonly lastFailure?: string;
  /** It sent bytes that are not the content. */
  readonly isCorrupt: boolean;
  /** From a request to its first byte, the best of all; undefined before the first. */
  readonly firstByteMs: number | undefined;
  /** Bytes a second while it was being read from; undefined before it sent anything. */
  readonly rateBytesPerSecond: number | undefined;
}

const MAX_FAILURES_KEPT = 32;

export class SourceStats {
  readonly #id: string;
  readonly #nodeId: NodeId | undefined;
  readonly #failures: TransferErrorCode[] = [];
  #lastFailure: string | undefined;
  #bytes = 0;
  #pieces = 0;
  #receivedBytes = 0;
  #busyMs = 0;
  #firstByteMs: number | undefined;

  constructor(id: string, nodeId: NodeId | undefined) {
    this.#id = id;
    this.#nodeId = nodeId;
  }

  addPiece(sizeBytes: number): void {
    this.#bytes += sizeBytes;
    this.#pieces += 1;
  }

  addFirstByte(afterMs: number): void {
    this.#firstByteMs = Math.min(afterMs, this.#firstByteMs ?? afterMs);
  }

  addRead(receivedBytes: number, tookMs: number): void {
    this.#receivedBytes += receivedBytes;
    this.#busyMs += tookMs;
  }

  addFailure({ code, message }: TransferError): void {
    this.#lastFailure = message;
    if (this.#failures.length < MAX_FAILURES_KEPT) this.#failures.push(code);
  }

  outcome(): SourceOutcome {
    const isMeasured = this.#receivedBytes > 0 && this.#busyMs > 0;
    return {
      id: this.#id,
      nodeId: this.#nodeId,
      bytes: this.#bytes,
      pieces: this.#pieces,
      failures: [...this.#failures],
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
      isCorrupt: this.#failures.includes('bad_piece'),
      firstByteMs: this.#firstByteMs,
      rateBytesPerSecond: isMeasured ? (this.#receivedBytes * 1000) / this.#busyMs : undefined,
    };
  }
}
