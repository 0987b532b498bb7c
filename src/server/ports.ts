/** What the HTTP edge needs of others. `node` satisfies these. Spec: docs/spec/05-http.md. */
import type { ByteGate, ModelId, NodeId, Sha256 } from '../core/index.ts';
import type { DifferenceAnswer, ModelEntry } from '../protocol/index.ts';

/** Whoever asks, decided once a request (05-http §4). */
export type Viewer =
  | { readonly kind: 'loopback' }
  | {
      readonly kind: 'peer';
      readonly nodeId: NodeId;
      readonly role: string;
      /** For whom a relay asks, in its word: a node id, or what is none. */
      readonly onBehalfOf?: string;
    }
  /** `role` is that of the member who made the token. */
  | { readonly kind: 'token'; readonly subject: string; readonly role?: string }
  | { readonly kind: 'stranger' };

export interface ServedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

export interface ServedModel {
  readonly entry: ModelEntry;
  /** Opened by the owner for everybody. */
  readonly public: boolean;
  readonly createdMs: number;
}

/** A model's bytes, open for reading. `BlobReader` of the store satisfies it. */
export interface ServedBlob {
  readonly sizeBytes: number;
  /** Fills `buffer` from `position`; short only at the end. Throws when the file changed. */
  read(buffer: Buffer, position: number): Promise<number>;
  /** Of a blob that is still being fetched, and of no other: can all of [start, end) be read now? */
  holds?(start: number, end: number): boolean;
  close(): Promise<void>;
}

/** Which pieces of a blob are here, now and as it changes (10-transfer §8). */
export interface ServedHolding extends AsyncDisposable {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  /** What the pieces were checked against, where it is known. */
  readonly pieceRoot: string | undefined;
  /** Bits, most significant first; undefined when the blob is here no more. */
  held(): 'all' | Uint8Array | undefined;
  /** Calls back when that may be another; the returned function stops it. */
  onChange(listener: () => void): () => void;
}

/**
 * The verified content of this node. The edge itself keeps strangers from what is not public; an implementation may
 * narrow further by viewer (roles). `undefined` means absent, or not for this viewer: the two look alike outside. Whom the access policy keeps from a blob
 * is told so by an error of code `not_permitted`.
 */
export interface ServedContent {
  /** For `/health`: models that can be served now. */
  modelCount(): number;
  listModels(viewer: Viewer): Promise<readonly ServedModel[]>;
  /** Without a version: the newest. */
  getModel(id: ModelId, viewer: Viewer, version?: string): Promise<ServedModel | undefined>;
  /** A one-file model has one; paths as in its file list. */
  listFiles(model: ServedModel): Promise<readonly ServedFile[]>;
  /** Is the blob part of a public model? */
  isPublicBlob(sha256: Sha256): Promise<boolean>;
  /** Throws an error of code `blob_not_found` or `blob_changed` when the file went away or changed. */
  openBlob(sha256: Sha256, viewer: Viewer): Promise<ServedBlob | undefined>;
  /** 32 bytes a piece; undefined where `root` is given and theirs is another. */
  pieceHashes(sha256: Sha256, viewer: Viewer, root?: string): Promise<Uint8Array | undefined>;
  /** Absent: every blob is here whole or not at all. */
  openHolding?(sha256: Sha256, viewer: Viewer): Promise<ServedHolding | undefined>;
  /** What makes the blob of one of `bases`: made, or being made (22-differences §7); undefined for neither. Absent: there are none. */
  difference?(
    sha256: Sha256,
    question: { readonly bases: readonly Sha256[]; readonly madeOnly: boolean },
    viewer: Viewer,
  ): Promise<DifferenceAnswer | undefined>;
}

export interface PeerIdentity {
  readonly nodeId: NodeId;
  readonly role: string;
}

export interface PeerVerifier {
  /** Throws for a certificate that is not of a current member of this mesh. */
  verifyPeer(certificateDer: Uint8Array): PeerIdentity | Promise<PeerIdentity>;
}

export interface TokenVerifier {
  /** Throws for a token that is expired, meant for another audience, or not of this mesh. */
  verifyToken(bearer: string): Promise<{ readonly subject: string; readonly role?: string }>;
}

/** The node's certificate and key, PEM. */
export interface TlsIdentity {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

/** What a blob's bytes have to pass on their way to a viewer (10-transfer §11). */
export type UploadGate = (viewer: Viewer, sha256: Sha256, sizeBytes: number) => ByteGate;
