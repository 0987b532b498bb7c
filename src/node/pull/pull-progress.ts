/** Adds up what a pull of several blobs has done, and from whom. */
import type { NodeId, Sha256 } from '../../core/index.ts';
import type { DownloadProgress, SourceOutcome } from '../../transfer/index.ts';

export interface PeerShare {
  readonly nodeId: NodeId;
  readonly bytes: number;
  readonly failures: number;
  /** Why it was dropped for good. */
  readonly dropped: string | undefined;
}

export class PullProgress {
  readonly #blobs = new Map<Sha256, { verifiedBytes: number; sources: readonly SourceOutcome[] }>();
  #rateBytesPerSecond = 0;
  #totalBytes = 0;
  #isVerifying = false;

  /** Bytes of all distinct blobs, known once the file list is. */
  set totalBytes(bytes: number) {
    this.#totalBytes = bytes;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** A blob that was in the store before. */
  addHeld(sha256: Sha256, sizeBytes: number): void {
    this.#blobs.set(sha256, { verifiedBytes: sizeBytes, sources: [] });
  }

  update(sha256: Sha256, progress: DownloadProgress): void {
    this.#blobs.set(sha256, { verifiedBytes: progress.verifiedBytes, sources: progress.sources });
    this.#rateBytesPerSecond = progress.rateBytesPerSecond;
    this.#isVerifying = progress.state === 'verifying';
  }

  get verifiedBytes(): number {
    let sum = 0;
    for (const { verifiedBytes } of this.#blobs.values()) sum += verifiedBytes;
    return sum;
  }

  get rateBytesPerSecond(): number {
    return this.#rateBytesPerSecond;
  }

  /** Every byte is here and only the whole digest is awaited. */
  get isVerifying(): boolean {
    return this.#isVerifying && this.verifiedBytes >= this.#totalBytes;
  }

  get etaSeconds(): number | null {
    if (this.#rateBytesPerSecond <= 0) return null;
    return Math.ceil(Math.max(0, this.#totalBytes - this.verifiedBytes) / this.#rateBytesPerSecond);
  }

  /** What each peer gave, most first. */
  peers(): PeerShare[] {
    const shares = new Map<NodeId, PeerShare>();
    for (const outcome of [...this.#blobs.values()].flatMap(({ sources }) => sources)) {
      if (outcome.nodeId === undefined) continue;
      const share = shares.get(outcome.nodeId);
      shares.set(outcome.nodeId, {
        nodeId: outcome.nodeId,
        bytes: (share?.bytes ?? 0) + outcome.bytes,
        failures: (share?.failures ?? 0) + outcome.failures.length,
        dropped: outcome.isCorrupt ? 'bad_piece' : share?.dropped,
      });
    }
    return [...shares.values()].sort((a, b) => b.bytes - a.bytes);
  }
}
