/** What a pull needs of the rest of the node. The daemon gives it the mesh; the library's users give what they have. */
import type { ByteGate, NodeId, RequestId, Sha256 } from '../../core/index.ts';
import type { FileSetFile, ModelEntry } from '../../protocol/index.ts';
import type { BlobToGet, DownloadProgress, PieceSource, SourceOutcome, TransferWish } from '../../transfer/index.ts';
import type { BlobFacts, BlobPullDeps } from './blob-pull.ts';
import type { PeerShare } from './pull-progress.ts';

/** A node that says it has a variant, and how its blobs are reached. */
export interface Holder {
  readonly nodeId: NodeId;
  readonly name: string;
  /** How far its bytes come: 0 from this machine, 1 from the network, 2 by other ways. */
  readonly distance?: number;
  /** Its own entry names the piece root that the target has: it answers for it (docs/spec/15-feedback.md §2). */
  readonly signsRoot?: boolean;
  /** It fetches the blob itself. */
  readonly isPartial?: boolean;
  /** The user wants it asked first. */
  readonly isPreferred?: boolean;
  /** Another text when it is found elsewhere: it is worth asking again then. */
  readonly whereabouts?: string;
}

/** One content to get, as signed entries describe it. */
export interface PullTarget {
  readonly entry: ModelEntry;
  /** Asked before all others. */
  readonly preferredNodeId?: NodeId | undefined;
  /** What the user said of differences; without a word they are taken where they pay. */
  readonly difference?: DifferenceChoice | undefined;
}

export type DifferenceChoice = 'always' | 'never';

/** Of one file that comes as a difference (docs/spec/22-differences.md §7). */
export interface DifferenceShare {
  readonly state: 'making' | 'fetching' | 'applying' | 'applied';
  /** Of the difference, and what it has in all; 0 while nobody knows. */
  readonly bytes: number;
  readonly totalBytes: number;
  /** What would have come. */
  readonly insteadOfBytes: number;
}

export interface WantedDifference {
  readonly target: PullTarget;
  readonly blob: BlobFacts;
  readonly deps: BlobPullDeps & {
    readonly fetched?: { add(sha256: Sha256): void } | undefined;
    freeBytes(): Promise<number>;
  };
  /** The most that may come, bytes a second. */
  readonly rateLimit: number;
  /** Who gave wrong ones in this pull. It adds to them: told when all of it is over, so that their right bytes can be had until then. */
  readonly marks: SourceOutcome[];
  /** Undefined: it comes whole after all. */
  onShare(share: DifferenceShare | undefined): void;
  /** What comes of a difference's own blob. */
  onSources(sha256: Sha256, progress: DownloadProgress): void;
  /** Of the file itself. */
  onVerified(verifiedBytes: number): void;
}

/** Gets a file by what differs from one that is here. */
export interface DifferencePuller {
  /** True: it is in the store, verified. False: it has to come whole. Throws when the signal comes, and nothing else. */
  pull(wanted: WantedDifference, signal: AbortSignal): Promise<boolean>;
}

/** Who has it, now and later: the swarm of one variant. */
export interface HolderView {
  /** Best first, without peers that are banned; with `only`, that one, whatever it did before: its user insists. */
  holders(target: PullTarget, only?: NodeId): readonly Holder[];
  /** The same content as others describe it, whose size or root is another: tried when the first fails. */
  otherClaims?(target: PullTarget): readonly PullTarget[];
  /** Nodes that fetch this blob themselves, and give what they have of it. Their word on its size or root is not asked. */
  fetchers?(blob: Pick<BlobToGet, 'sha256' | 'sizeBytes'>): readonly Holder[];
  /** Calls back when holders may have changed; the returned function stops it. */
  onChange(listener: () => void): () => void;
  /** A way to the blob at this holder; undefined when it is at no address known. */
  sourceFor(holder: Holder, blob: BlobToGet): PieceSource | undefined;
  /** Places of this node's owner that may have the blob too; `path` is its name in the model. */
  mirrorsOf?(target: PullTarget, blob: BlobToGet, path: string | undefined): readonly PieceSource[];
  /** Are there such places at all? */
  hasMirrors?(): boolean;
  /** What the transfer learned, for the next choice. */
  report(outcomes: readonly SourceOutcome[]): void;
}

/** A model whose every byte is in the store, to be given its name. */
export interface PulledModel {
  readonly entry: ModelEntry;
  readonly files: readonly FileSetFile[];
  /** Most bytes came from it. */
  readonly sourceNode: string | undefined;
}

/** Where pulled models become models of this node. Returns the path for people and runtimes. */
export interface ModelSink {
  install(model: PulledModel): Promise<string>;
  /** The path of a model that is here already, every byte verified. */
  pathOf(entry: ModelEntry): Promise<string | undefined>;
  /** Files that come before the others, for `judge` to look at them. Throws what the pull fails with. */
  firstFiles?(entry: ModelEntry, files: readonly FileSetFile[]): readonly FileSetFile[];
  /** The first files are here: is the rest wanted? Throws what the pull fails with. */
  judge?(entry: ModelEntry, files: readonly FileSetFile[]): Promise<void>;
}

/** Piece hashes that were verified once, so that a resume asks nobody. */
export interface PieceHashStore {
  get(sha256: Sha256): Buffer | undefined;
  put(blob: BlobToGet, hashes: Buffer): void;
}

/** What is remembered of a transfer over restarts. */
export interface TransferRow {
  readonly requestId: string;
  readonly entry: ModelEntry;
  readonly from: string | undefined;
  readonly state: 'Pending' | 'Downloading' | 'Verifying' | 'Paused' | 'Completed' | 'Failed' | 'Cancelled';
  readonly bytesDownloaded: number;
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
  readonly path: string | undefined;
  readonly error: { readonly code: string; readonly message: string; readonly kind: string } | undefined;
  readonly wish?: TransferWish | undefined;
  readonly peers?: readonly PeerShare[] | undefined;
  readonly difference?: DifferenceChoice | undefined;
  /** What came as differences. */
  readonly saved?: DifferenceShare | undefined;
}

export interface TransferLog {
  put(row: TransferRow): void;
  /** Latest first, as many as are kept. */
  list(): readonly TransferRow[];
  /** Those that a restart interrupted, oldest first. */
  unfinished(): readonly TransferRow[];
}

/** The rate policy, as pulls meet it. */
export interface PullRates {
  /** What a source's bytes of one blob have to pass. */
  gate(pull: RatedPull, source: PieceSource): ByteGate;
  /** The user's wishes for one transfer are these from now on. */
  setWish(requestId: RequestId, wish: TransferWish): void;
  /** The most that it lets through now. */
  downloadRateOf?(requestId: RequestId, sizeBytes: number): number;
  /** It is over. */
  forget(requestId: RequestId): void;
}

export interface RatedPull {
  readonly requestId: RequestId;
  readonly sha256: Sha256;
  /** Of the whole model: its size class is that of the transfer. */
  readonly sizeBytes: number;
}
