/** Adds up what a pull of several blobs has done, and from whom, over all its attempts. */
import type { NodeId, Sha256 } from '../../core/index.ts';
import type { DownloadProgress, SourceOutcome } from '../../transfer/index.ts';
import type { DifferenceShare } from './ports.ts';

export interface PeerShare {
  readonly nodeId: NodeId;
  readonly bytes: number;
  readonly failures: number;
  /** Why it was dropped for good. */
  readonly dropped: string | undefined;
}

/** What came from no peer: a mirror, by its server. */
export interface MirrorShare {
  readonly name: string;
  readonly bytes: number;
  readonly failures: number;
  /** Why it failed the last time. */
  readonly reason?: string;
}

interface BlobProgress {
  readonly verifiedBytes: number;
  readonly rateBytesPerSecond: number;
  readonly sources: readonly SourceOutcome[];
}

export class PullProgress {
  readonly #blobs = new Map<Sha256, BlobProgress>();
  /** By the file that they make. */
  readonly #differences = new Map<Sha256, DifferenceShare>();
  /** From attempts that are over. */
  #past: readonly PeerShare[];
  #pastMirrors: readonly MirrorShare[] = [];
  /** What there was, until this run has looked itself. */
  #verifiedBefore: number;
  #totalBytes = 0;
  #isSilent = false;
  #failures = 0;
  #lastRate = 0;
  #rateAtRise = 0;
  #rateAtFailure: number | undefined;
  #isVerifying = false;

  constructor(past: readonly PeerShare[] = [], verifiedBytes = 0) {
    this.#past = past;
    this.#verifiedBefore = verifiedBytes;
  }

  /** Bytes of all distinct blobs, known once the file list is. */
  set totalBytes(bytes: number) {
    this.#totalBytes = bytes;
  }

  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** A blob that was in the store before. */
  addHeld(sha256: Sha256, sizeBytes: number): void {
    const sources = this.#blobs.get(sha256)?.sources ?? [];
    this.#blobs.set(sha256, { verifiedBytes: sizeBytes, rateBytesPerSecond: 0, sources });
  }

  update(sha256: Sha256, { state, verifiedBytes, rateBytesPerSecond, sources }: DownloadProgress): void {
    if (verifiedBytes > 0) this.#verifiedBefore = 0;
    const isOver = state === 'completed' || state === 'failed' || state === 'cancelled';
    const rate = isOver ? 0 : rateBytesPerSecond;
    const held = state === 'pending' ? (this.#blobs.get(sha256)?.verifiedBytes ?? 0) : verifiedBytes;
    this.#blobs.set(sha256, { verifiedBytes: held, rateBytesPerSecond: rate, sources });
    this.#isVerifying = state === 'verifying';
    this.#noteSilence();
  }

  /** Of a file; undefined when it comes whole after all. */
  setDifference(sha256: Sha256, share: DifferenceShare | undefined): void {
    if (share === undefined) this.#differences.delete(sha256);
    else this.#differences.set(sha256, share);
  }

  /** What comes of a difference's own blob counts for those who give it, and is no byte of the model. */
  updateDifference(sha256: Sha256, progress: DownloadProgress): void {
    this.update(sha256, {
      ...progress,
      verifiedBytes: 0,
      state: progress.state === 'verifying' ? 'downloading' : progress.state,
    });
  }

  /** Of a file that a difference makes. */
  noteVerified(sha256: Sha256, verifiedBytes: number): void {
    const sources = this.#blobs.get(sha256)?.sources ?? [];
    this.#blobs.set(sha256, { verifiedBytes, rateBytesPerSecond: 0, sources });
  }

  /** All differences together, in the state of the one that is least far; undefined where there is none. */
  get difference(): DifferenceShare | undefined {
    const shares = [...this.#differences.values()];
    const state = STATES.find((one) => shares.some((share) => share.state === one));
    if (state === undefined) return undefined;
    const sum = (field: 'bytes' | 'totalBytes' | 'insteadOfBytes') =>
      shares.reduce((total, share) => total + share[field], 0);
    return { state, bytes: sum('bytes'), totalBytes: sum('totalBytes'), insteadOfBytes: sum('insteadOfBytes') };
  }

  /** Of what is still to come as a difference: those of its own and of the file that need not come. */
  #differenceLeft(): { readonly bytes: number; readonly sparedBytes: number } {
    let [bytes, sparedBytes] = [0, 0];
    for (const [sha256, share] of this.#differences) {
      bytes += share.totalBytes - share.bytes;
      sparedBytes += share.insteadOfBytes - (this.#blobs.get(sha256)?.verifiedBytes ?? 0);
    }
    return { bytes, sparedBytes };
  }

  /** Bytes come, though a piece of them may yet be far from whole. */
  get isMoving(): boolean {
    return !this.#isSilent && this.rateBytesPerSecond >= LEAST_RATE;
  }

  /** Peers failed, and not a byte has come since. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** A rate that only falls, and far, since peers began to fail: nothing comes from anybody. */
  #noteSilence(): void {
    const all = [...this.#blobs.values()];
    const failures = all.flatMap(({ sources }) => sources).reduce((sum, one) => sum + one.failures.length, 0);
    const rate = this.rateBytesPerSecond;
    if (rate > this.#lastRate) {
      this.#rateAtFailure = undefined;
      this.#rateAtRise = rate;
    } else if (failures > this.#failures) this.#rateAtFailure ??= rate;
    this.#isSilent = this.#rateAtFailure !== undefined && rate <= this.#rateAtFailure * SILENT_SHARE;
    this.#lastRate = rate;
    this.#failures = failures;
  }

  /** An attempt is over: nothing moves, and what peers gave stays theirs. */
  settle(): void {
    [this.#past, this.#pastMirrors] = [this.peers(), this.mirrors()];
    this.#isSilent = false;
    this.#failures = 0;
    this.#lastRate = 0;
    this.#rateAtFailure = undefined;
    this.#isVerifying = false;
    for (const [sha256, { verifiedBytes }] of this.#blobs)
      this.#blobs.set(sha256, { verifiedBytes, rateBytesPerSecond: 0, sources: [] });
  }

  get verifiedBytes(): number {
    let sum = 0;
    for (const { verifiedBytes } of this.#blobs.values()) sum += verifiedBytes;
    return Math.max(sum, this.#verifiedBefore);
  }

  /** What peers and mirrors gave, not what was here. */
  get receivedBytes(): number {
    return [...this.peers(), ...this.mirrors()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get rateBytesPerSecond(): number {
    let sum = 0;
    for (const { rateBytesPerSecond } of this.#blobs.values()) sum += rateBytesPerSecond;
    return sum;
  }

  /** Every byte is here and only the whole digest is awaited. */
  get isVerifying(): boolean {
    return this.#isVerifying && this.verifiedBytes >= this.#totalBytes;
  }

  /** Null while nothing came for some seconds: what a fading rate foretells is no time at all. */
  get etaSeconds(): number | null {
    const rate = this.rateBytesPerSecond;
    if (rate <= 0 || rate <= this.#rateAtRise * SILENT_SHARE) return null;
    const { bytes, sparedBytes } = this.#differenceLeft();
    return Math.ceil(Math.max(0, this.#totalBytes - this.verifiedBytes - sparedBytes + bytes) / rate);
  }

  /** What each peer gave, most first. */
  peers(): PeerShare[] {
    const shares = new Map<NodeId, PeerShare>(this.#past.map((share) => [share.nodeId, share]));
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

  /** The same of mirrors. */
  mirrors(): MirrorShare[] {
    const shares = new Map(this.#pastMirrors.map((share) => [share.name, share]));
    for (const { id, nodeId, bytes, failures, lastFailure } of [...this.#blobs.values()].flatMap(
      ({ sources }) => sources,
    )) {
      if (nodeId !== undefined) continue;
      const name = serverOf(id);
      const share = shares.get(name);
      const reason = lastFailure ?? share?.reason;
      shares.set(name, {
        ...{ name, bytes: (share?.bytes ?? 0) + bytes },
        failures: (share?.failures ?? 0) + failures.length,
        ...(reason === undefined ? {} : { reason }),
      });
    }
    return [...shares.values()].sort((a, b) => b.bytes - a.bytes);
  }
}

/** `mirror https://nas.lan` of a mirror's id; the path is that of one blob. */
function serverOf(sourceId: string): string {
  return /^mirror https?:\/\/[^/?#]+/.exec(sourceId)?.[0] ?? sourceId;
}

/** Below this a rate is what is left of an old one. */
const LEAST_RATE = 1000;
/** Some six seconds without a byte. */
const SILENT_SHARE = 1 / 8;
/** Least far first. */
const STATES = ['making', 'fetching', 'applying', 'applied'] as const;
